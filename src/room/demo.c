/* Ada's and Ben's conversations: see demo.h. Made by the contract's own routes, with MainServer's tokens, so that the demo shows nothing that a product could not do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "chat/ticket.h"
#include "room/client.h"
#include "room/demo.h"
#include "room/place.h"

static const struct {
	const char *id, *name;
} people[] = {{"demo_ada", "Ada"}, {"demo_ben", "Ben"}};
enum { ADA, BEN, PEOPLE };

struct line {
	int who;
	const char *text;
	bool thread; /* said in the thread that begins at the line before the first of them */
};

static const struct line group[] = {
	{BEN, "The reading circle meets again on Thursday. I put the room aside for us.", false},
	{ADA, "Wonderful. Which book was it in the end?", false},
	{BEN, "“The Waves”. I have two copies to lend.", false},
	{ADA, "I take one, if nobody else wants it.", true},
	{BEN, "It is yours. I leave it at the desk.", true},
	{ADA, "Thank you! Shall I bring tea?", false},
};
static const struct line direct[] = {
	{BEN, "Did you see the heron this morning?", false},
	{ADA, "No! The one with the limp?", false},
	{BEN, "The same. It still fishes by the bridge.", false},
};

struct demo {
	const char *url;
	struct ticket tickets[PEOPLE];
};

/* POST as one of the two; the answer's member `wanted` as text, to be freed. NULL: it failed, which was said. */
static char *post(const struct demo *d, int who, const char *path, const json_t *body, const char *wanted, int *status)
{
	json_t *out = NULL, *value;
	char *text = NULL;

	if (client_post(d->url, true, &d->tickets[who], path, body, status, &out)) {
		value = json_object_get(out, wanted);
		text = json_is_integer(value) ? place_path("%lld", (long long)json_integer_value(value))
									  : strdup(json_string_value(value) ? json_string_value(value) : "");
	}
	json_decref(out);
	return text;
}

/* A thread that begins at a message; its id, to be freed. */
static char *begin_thread(const struct demo *d, int who, const char *id, long long root)
{
	json_t *body = json_pack("{s:I}", "root", (json_int_t)root);
	char *path = place_path("/api/conversations/%s/threads", id), *thread;
	int status;

	thread = post(d, who, path, body, "id", &status);
	json_decref(body);
	free(path);
	return thread;
}

static bool say(const struct demo *d, const char *id, const struct line *lines, size_t count)
{
	char *thread = NULL, *said = NULL, *path = place_path("/api/conversations/%s/messages", id);
	bool good = true;

	for (size_t i = 0; good && i < count; i++) {
		json_t *body = json_pack("{s:s}", "content", lines[i].text);
		int status;
		if (lines[i].thread && !thread)
			thread = begin_thread(d, lines[i].who, id, said ? strtoll(said, NULL, 10) : 0);
		if (lines[i].thread && thread)
			json_object_set_new(body, "threadId", json_string(thread));
		free(said);
		said = post(d, lines[i].who, path, body, "id", &status);
		good = said && (!lines[i].thread || thread);
		json_decref(body);
	}
	free(thread);
	free(said);
	free(path);
	return good;
}

/* body is ours to drop. The same demo on the same database is asked for again under the same clientId: then it is there, with all that became of it. */
static bool converse(const struct demo *d, json_t *body, const struct line *lines, size_t count)
{
	int status = 0;
	char *id = post(d, BEN, "/api/conversations", body, "id", &status);
	bool good = id && (status == 200 || say(d, id, lines, count));

	json_decref(body);
	free(id);
	return good;
}

/* Whoever has never come has no name: coming is any request. */
static bool greet(const struct demo *d, int who)
{
	json_t *body = json_object(), *out = NULL;
	int status;
	bool good = client_post(d->url, true, &d->tickets[who], "/api/cookie", body, &status, &out);

	json_decref(out);
	json_decref(body);
	return good;
}

bool demo_chat(const char *probe_url, const char *base)
{
	struct demo d = {.url = probe_url};
	bool good = true;

	for (int i = 0; i < PEOPLE; i++) {
		struct ticket *t = &d.tickets[i];
		t->kind = TICKET_USER;
		t->expires_at_ms = clock_now_ms() + config_number("ROOM_TICKET_S") * 1000;
		snprintf(t->side, sizeof t->side, "user");
		snprintf(t->participant, sizeof t->participant, "%s", people[i].id);
		snprintf(t->name, sizeof t->name, "%s", people[i].name);
		good = good && greet(&d, i);
	}
	good = good &&
		converse(&d, json_pack("{s:s, s:[s], s:s}", "type", "direct", "participants", people[ADA].id, "clientId", "demo_direct"), direct,
			sizeof direct / sizeof *direct);
	good = good &&
		converse(&d,
			json_pack("{s:s, s:s, s:[s], s:s}", "type", "group", "title", "Reading circle", "participants", people[ADA].id, "clientId",
				"demo_group"),
			group, sizeof group / sizeof *group);
	for (int i = 0; good && i < PEOPLE; i++) {
		char *token = ticket_mint(&d.tickets[i]);
		printf("chat as %s: %s/chat.html#token=%s\n", people[i].name, base, token ? token : "");
		free(token);
	}
	return good;
}
