/* See conversations_body.h. */
#include <stdlib.h>
#include <string.h>

#include "api/conversations_body.h"
#include "base/config.h"
#include "chat/message.h"

#define TEXT_MAX 200 /* bytes of what is looked for */

static const char *const channels[] = {"chat", "voice", "email", NULL};
static const char *const types[] = {"direct", "group", "business", NULL};
static const char *const statuses[] = {"active", "archived", "completed", NULL};

/* ---- making ---- */

const char *conversations_default_role(const char *type, bool by_service)
{
	if (strcmp(type, "business") == 0)
		return by_service ? "customer" : "business";
	return "member";
}

static bool role_fits(const char *type, const char *role, bool by_service)
{
	if (strcmp(type, "direct") == 0)
		return strcmp(role, "member") == 0;
	if (strcmp(type, "business") == 0 && !by_service)
		return strcmp(role, "customer") == 0 || strcmp(role, "agent") == 0 || strcmp(role, "business") == 0;
	return rights_role(role);
}

/* What whoever makes it is in it. */
static const char *creators_role(const char *type)
{
	return strcmp(type, "group") == 0 ? "admin" : strcmp(type, "business") == 0 ? "customer" : "member";
}

/* "u2", or {"id":"u2","role":"agent"}. */
static bool read_person(const json_t *value, const char *type, bool by_service, struct conversation_person *out)
{
	const json_t *id = json_is_object(value) ? json_object_get(value, "id") : value, *role = json_object_get(value, "role");

	if (!json_is_string(id) || !id_valid(json_string_value(id), json_string_length(id)) ||
		strcmp(json_string_value(id), TICKET_SYSTEM) == 0 || (role && !json_is_null(role) && !json_is_string(role)))
		return false;
	out->id = json_string_value(id);
	out->role = json_is_string(role) ? json_string_value(role) : NULL;
	return !out->role || role_fits(type, out->role, by_service);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct conversation_person *)a)->id, ((const struct conversation_person *)b)->id);
}

static bool twice(struct arena *a, const struct conversation_person *people, int count)
{
	struct conversation_person *sorted = arena_alloc(a, (size_t)count * sizeof *sorted + 1);

	for (int i = 0; i < count; i++)
		sorted[i] = people[i];
	qsort(sorted, (size_t)count, sizeof *sorted, by_id);
	for (int i = 1; i < count; i++)
		if (strcmp(sorted[i - 1].id, sorted[i].id) == 0)
			return true;
	return false;
}

/* The creator stands first; he may be named among the others, but not as something else than he is. */
static void read_people(struct body *b, const struct ticket *by, struct conversation_make *m)
{
	bool by_service = by->kind == TICKET_SERVICE;
	const json_t *list = body_member(b, "participants"), *value;
	size_t i, named = json_is_array(list) ? json_array_size(list) : 0;
	struct conversation_person *people = arena_alloc(b->arena, (named + 1) * sizeof *people), person;

	m->people = people;
	if (list && !json_is_array(list)) {
		body_wrong(b, ERR_BAD_REQUEST, "participants must be a list of ids, or of {\"id\",\"role\"}.");
		return;
	}
	if (!by_service)
		people[m->count++] = (struct conversation_person){by->participant, creators_role(m->type)};
	json_array_foreach(list, i, value)
	{
		if (!read_person(value, m->type, by_service, &person)) {
			body_wrong(b, ERR_BAD_REQUEST, "participants must be ids, or {\"id\",\"role\"} with a role that such a conversation has.");
			return;
		}
		if (!by_service && strcmp(person.id, by->participant) == 0) {
			if (person.role && strcmp(person.role, people[0].role) != 0)
				body_wrong(b, ERR_BAD_REQUEST, "Whoever makes it is its %s.", people[0].role);
			continue;
		}
		if (!person.role)
			person.role = conversations_default_role(m->type, by_service);
		people[m->count++] = (struct conversation_person){arena_strdup(b->arena, person.id), arena_strdup(b->arena, person.role)};
	}
	if (twice(b->arena, people, m->count))
		body_wrong(b, ERR_BAD_REQUEST, "participants names somebody twice.");
}

/* "" is a title, too: none. */
static const char *read_title(struct body *b)
{
	const json_t *value = body_member(b, "title");

	if (json_is_string(value) && json_string_length(value) == 0)
		return "";
	return body_line(b, "title", CONVERSATION_TITLE_MAX, false);
}

static const char *read_type(struct body *b)
{
	const char *type = body_word(b, "type", types, NULL);

	if (!type)
		body_wrong(b, ERR_BAD_REQUEST, "type must be direct, group or business.");
	return type ? type : "group";
}

void conversations_read_new(struct body *b, const struct ticket *by, struct conversation_make *m, const char **client_id)
{
	const char *title;

	*m = (struct conversation_make){.type = read_type(b), .channel = body_word(b, "channel", channels, "chat")};
	title = read_title(b);
	m->title = title ? title : "";
	m->metadata = body_object(b, "metadata", METADATA_MAX_BYTES);
	m->retention_s = body_integer(b, "retentionS", 0, CONVERSATION_RETENTION_MAX_S, -1);
	*client_id = body_id(b, "clientId", false);
	read_people(b, by, m);
	if (strcmp(m->type, "direct") == 0 && m->count != 2)
		body_wrong(b, ERR_BAD_REQUEST, "A direct conversation is between two.");
	if (strcmp(m->type, "direct") == 0 && title && *title)
		body_wrong(b, ERR_BAD_REQUEST, "A direct conversation has no title.");
	if (m->count == 0)
		body_wrong(b, ERR_BAD_REQUEST, "participants must name somebody.");
	if (m->count > config_number("ROOM_GROUP_MOST"))
		body_wrong(b, ERR_BAD_REQUEST, "These are more people than a conversation may have.");
}

/* ---- changing ---- */

void conversations_read_change(struct body *b, struct conversation_change *change)
{
	const json_t *retention = json_object_get(b->root, "retentionS");

	*change = (struct conversation_change){.title = read_title(b),
		.channel = body_word(b, "channel", channels, NULL),
		.status = body_word(b, "status", statuses, NULL),
		.metadata = body_object(b, "metadata", METADATA_MAX_BYTES),
		.retention = retention != NULL,
		.retention_s = body_integer(b, "retentionS", 0, CONVERSATION_RETENTION_MAX_S, -1)};
}

/* ---- listing ---- */

/* Whole numbers of at most 18 digits. */
static bool number(const char **text, int64_t *out)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 18)
		return false;
	*out = strtoll(*text, NULL, 10);
	*text += digits;
	return true;
}

bool conversations_place_parse(struct conversations_place *out, const char *text)
{
	if (!number(&text, &out->at) || *text++ != '-' || !number(&text, &out->n))
		return false;
	return *text == '\0' && out->n > 0;
}

void conversations_place_print(struct buf *out, const struct conversations_place *place)
{
	if (place->n == 0)
		BUF_LIT(out, "null");
	else
		buf_printf(out, "\"%lld-%lld\"", (long long)place->at, (long long)place->n);
}

static bool one_of(const char *text, const char *const words[])
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

static enum err read_words(const struct request *r, struct conversations_query *q, const char **why)
{
	if (request_query(r, "type", &q->type) != OK || (q->type && !one_of(q->type, types))) {
		*why = "type must be direct, group or business.";
		return ERR_BAD_REQUEST;
	}
	if (request_query(r, "status", &q->status) != OK || (q->status && !one_of(q->status, statuses))) {
		*why = "status must be active, archived or completed.";
		return ERR_BAD_REQUEST;
	}
	if (request_query(r, "participant", &q->participant) != OK || (q->participant && !id_valid(q->participant, strlen(q->participant)))) {
		*why = "participant must be an id.";
		return ERR_BAD_REQUEST;
	}
	if (request_query(r, "q", &q->text) != OK || (q->text && strlen(q->text) > TEXT_MAX)) {
		*why = "q must be text of at most 200 bytes.";
		return ERR_BAD_REQUEST;
	}
	if (q->text && !*q->text)
		q->text = NULL;
	return OK;
}

enum err conversations_read_query(const struct request *r, const struct ticket *by, struct conversations_query *q, const char **why)
{
	const char *after;
	long limit;

	*q = (struct conversations_query){.asker = conversation_asker(by)};
	*why = NULL;
	if (request_query_int(r, "limit", 1, 100, 50, &limit) != OK) {
		*why = "limit must be a number from 1 to 100.";
		return ERR_BAD_REQUEST;
	}
	q->limit = (int)limit;
	if (request_query(r, "after", &after) != OK || (after && !conversations_place_parse(&q->after, after))) {
		*why = "after must be what `next` said.";
		return ERR_BAD_REQUEST;
	}
	return read_words(r, q, why);
}
