/* See ticket.h. Called by chat/credentials, the stream's redemption of stream tickets, the service's routes, and the `room` command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/utf8.h"
#include "chat/ticket.h"

static struct jwt_keys *keys;

static const struct act_name {
	const char *name;
	enum act act;
} act_names[] = {
	{"send_message", ACT_SEND},
	{"view_history", ACT_HISTORY},
	{"end_session", ACT_END},
	{"erase_session", ACT_ERASE},
	{"request_summary", ACT_SUMMARY},
};
#define ACT_COUNT (sizeof act_names / sizeof *act_names)

/* Roles as tokens name them, and what they are here. */
static const struct role_row {
	const char *claim, *role, *side, *id_claim;
	unsigned acts;
} roles[] = {
	{"student", "student", "student", "anonymousId", ACTS_STUDENT},
	{"counselor", "counselor", "counselor", "userId", ACTS_COUNSELOR},
	{"counsellor", "counselor", "counselor", "userId", ACTS_COUNSELOR},
	{"volunteer", "volunteer", "counselor", "userId", ACTS_COUNSELOR},
};

static const struct role_row *role_find(const char *claim)
{
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (strcmp(roles[i].claim, claim) == 0)
			return &roles[i];
	return NULL;
}

bool acts_parse(unsigned *out, const json_t *names)
{
	unsigned acts = 0;
	size_t i;
	json_t *name;

	if (!json_is_array(names))
		return false;
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name))
			return false;
		for (size_t k = 0; k < ACT_COUNT; k++)
			if (strcmp(act_names[k].name, json_string_value(name)) == 0)
				acts |= act_names[k].act;
	}
	*out = acts;
	return true;
}

/* Copies the claim when it is an id. */
static bool claim_id(char out[ID_MAX + 1], const json_t *value)
{
	size_t len = json_string_length(value);

	if (!json_is_string(value) || !id_valid(json_string_value(value), len))
		return false;
	memcpy(out, json_string_value(value), len + 1);
	return true;
}

static bool url_ours(const json_t *url)
{
	const char *ours = config_public_url();
	size_t len = json_string_length(url);

	if (!json_is_string(url))
		return false;
	while (len && json_string_value(url)[len - 1] == '/')
		len--;
	return len == strlen(ours) && memcmp(json_string_value(url), ours, len) == 0;
}

/* What MainServer calls somebody: cut to what fits, at the end of a character. What is no name (control characters, nothing but blanks) is left out. */
static void claim_name(char out[PERSON_NAME_MAX + 1], const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text || utf8_blank(text, len))
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return;
	if (len > PERSON_NAME_MAX)
		for (len = PERSON_NAME_MAX; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
	memcpy(out, text, len);
	out[len] = '\0';
}

/* Somebody of lasting conversations: MainServer's, or by a login here. Neither can speak for the other's. */
static enum err user_from_claims(struct ticket *t, const json_t *claims, bool ours)
{
	const json_t *login = json_object_get(claims, "sid");
	bool account;

	if (json_object_get(claims, "sessionId") || !claim_id(t->participant, json_object_get(claims, "userId")))
		return ERR_UNAUTHENTICATED;
	if (strcmp(t->participant, TICKET_SYSTEM) == 0)
		return ERR_UNAUTHENTICATED;
	account = strncmp(t->participant, TICKET_ACCOUNT_PREFIX, strlen(TICKET_ACCOUNT_PREFIX)) == 0;
	if (account != ours)
		return ERR_UNAUTHENTICATED;
	if (ours) {
		const char *id = json_string_value(login);
		if (!id || json_string_length(login) != TICKET_LOGIN_LEN || strspn(id, "0123456789abcdef") != TICKET_LOGIN_LEN)
			return ERR_UNAUTHENTICATED;
		memcpy(t->login, id, TICKET_LOGIN_LEN + 1);
	} else {
		claim_name(t->name, json_object_get(claims, "name"));
	}
	t->kind = TICKET_USER;
	snprintf(t->side, sizeof t->side, "user");
	return OK;
}

enum err ticket_from_claims(struct ticket *out, const json_t *claims)
{
	const json_t *session = json_object_get(claims, "sessionId"), *url = json_object_get(claims, "chatServiceUrl");
	const json_t *permissions = json_object_get(claims, "chatPermissions");
	const char *issuer = json_string_value(json_object_get(claims, "iss")), *role = json_string_value(json_object_get(claims, "role"));
	const struct role_row *row;
	bool ours = issuer && strcmp(issuer, "reading-room") == 0;
	enum err e;
	struct ticket t = {.expires_at_ms = (int64_t)json_integer_value(json_object_get(claims, "exp")) * 1000};

	if (!issuer || (strcmp(issuer, "mainserver") != 0 && !ours) || !role || (url && !url_ours(url)))
		return ERR_UNAUTHENTICATED;
	if (strcmp(role, "user") == 0) {
		e = user_from_claims(&t, claims, ours);
		if (e == OK)
			*out = t;
		return e;
	}
	if (ours) /* what we sign in our own name is for users only */
		return ERR_UNAUTHENTICATED;
	if (strcmp(role, "service") == 0) {
		if (session) /* a token with a session is a ticket and nothing else */
			return ERR_UNAUTHENTICATED;
		t.kind = TICKET_SERVICE;
		*out = t;
		return OK;
	}
	row = role_find(role);
	if (!row || !claim_id(t.participant, json_object_get(claims, row->id_claim)))
		return ERR_UNAUTHENTICATED;
	t.kind = session ? TICKET_PARTICIPANT : TICKET_DESK;
	if (session ? !claim_id(t.conversation, session) : strcmp(row->side, "counselor") != 0)
		return ERR_UNAUTHENTICATED;
	t.acts = row->acts;
	if (permissions) {
		unsigned claimed;
		if (!acts_parse(&claimed, permissions))
			return ERR_UNAUTHENTICATED;
		t.acts = claimed;
	}
	snprintf(t.side, sizeof t.side, "%s", row->side);
	snprintf(t.role, sizeof t.role, "%s", row->role);
	*out = t;
	return OK;
}

enum err ticket_verify(struct ticket *out, const char *token, size_t len, const char **why)
{
	json_t *claims = NULL;
	enum err e = jwt_verify(&claims, keys, token, len, why);

	if (e != OK)
		return e;
	e = ticket_from_claims(out, claims);
	json_decref(claims);
	return e;
}

/* chatPermissions for t; NULL when the role's default says it already. */
static json_t *permissions_of(const struct ticket *t, const struct role_row *row)
{
	json_t *names;

	if (row && t->acts == row->acts)
		return NULL;
	names = json_array();
	for (size_t i = 0; i < ACT_COUNT; i++)
		if (t->acts & act_names[i].act)
			json_array_append_new(names, json_string(act_names[i].name));
	return names;
}

char *ticket_mint(const struct ticket *t)
{
	const struct role_row *row = role_find(t->role);
	json_t *claims = json_object(), *names;
	char *token;

	json_object_set_new(claims, "iss", json_string(*t->login ? "reading-room" : "mainserver"));
	json_object_set_new(claims, "exp", json_integer(t->expires_at_ms / 1000));
	if (t->kind == TICKET_SERVICE) {
		json_object_set_new(claims, "role", json_string("service"));
	} else if (t->kind == TICKET_USER) {
		json_object_set_new(claims, "role", json_string("user"));
		json_object_set_new(claims, "userId", json_string(t->participant));
		if (*t->login)
			json_object_set_new(claims, "sid", json_string(t->login));
		else if (*t->name)
			json_object_set_new(claims, "name", json_string(t->name));
	} else {
		json_object_set_new(claims, "role", json_string(t->role));
		json_object_set_new(claims, row ? row->id_claim : "userId", json_string(t->participant));
		if (t->kind == TICKET_PARTICIPANT)
			json_object_set_new(claims, "sessionId", json_string(t->conversation));
		names = permissions_of(t, row);
		if (names)
			json_object_set_new(claims, "chatPermissions", names);
	}
	token = jwt_sign(keys, claims);
	json_decref(claims);
	return token;
}

void ticket_mint_json(struct buf *b, const struct ticket *t)
{
	char *token = ticket_mint(t);

	if (token)
		buf_json(b, token, strlen(token));
	else
		b->failed = true;
	free(token);
}

bool ticket_same(const struct ticket *a, const struct ticket *b)
{
	return a->kind == b->kind && strcmp(a->conversation, b->conversation) == 0 && strcmp(a->participant, b->participant) == 0 &&
		strcmp(a->side, b->side) == 0;
}

void ticket_short_hash(char out[9], const struct ticket *t)
{
	char who[sizeof t->side + sizeof t->participant];

	snprintf(who, sizeof who, "%s:%s", t->side, t->participant);
	id_short_hash(out, who);
}

enum err ticket_setup(const char **why)
{
	return jwt_keys_load(&keys, config_text("ROOM_JWT_SECRET"), why);
}

void ticket_setup_forgetful(void)
{
	jwt_keys_forgetful(keys);
}
