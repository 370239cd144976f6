/* Lasting conversations of size: a million messages in one, ten thousand conversations for one user (tests/drivers/seed made them; its answer is in the file of -f). One request after
 * the other on one connection, each through lighttpd: what a person who clicks waits for. */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/jwt.h"
#include "bench.h"

enum { REQUESTS = 1000, WARM_UP = 50 };
#define FLOOR (20 * MILLISECOND)

struct asking {
	struct bench *bench;
	const char *conversation;
	json_t *cursors;
	const struct kind *kind;
	char *ticket;
	struct pool pool;
	uint32_t answered;
	uint64_t at;
	char request[8192];
};

/* %s: the conversation; %c: a cursor somewhere in it. */
static const struct kind {
	const char *what, *path, *holds; /* holds: what a right answer has */
} kinds[] = {
	{"list of 10,000 conversations: a page of 50", "/api/conversations?limit=50", "\"conversations\":[{"},
	{"the same, filtered by type", "/api/conversations?limit=50&type=group", "\"conversations\":[{"},
	{"a million messages: the newest 50", "/api/conversations/%s/messages", "\"messages\":[{"},
	{"the 50 before a message at random", "/api/conversations/%s/messages?before=%c", "\"messages\":["},
	{"the 50 after a message at random", "/api/conversations/%s/messages?after=%c", "\"messages\":["},
	{"search, over all: a rare word (in 5 messages)", "/api/search?q=zanzibar", "\"hit\":true"},
	{"a common word (in 500,000)", "/api/search?q=meeting", "\"hit\":true"},
	{"its beginning", "/api/search?q=meet", "\"hit\":true"},
	{"two common words", "/api/search?q=meeting%20budget", "\"hit\":true"},
	{"a rare and a common word", "/api/search?q=zanzibar%20meeting", "\"results\":["},
	{"within the large conversation: a rare word", "/api/search?q=zanzibar&conversation=%s", "\"hit\":true"},
	{"within it: a common word", "/api/search?q=meeting&conversation=%s", "\"hit\":true"},
	{"within it: a phrase", "/api/search?q=%22meeting%20budget%22&conversation=%s", "\"hit\":true"},
	{"conversations by a name", "/api/search?q=somebody&in=conversations", "\"hit\":true"},
	{"conversations by a common beginning", "/api/search?q=bar&in=conversations", "\"results\":["},
};

static char *user_ticket(const char *user)
{
	const char *secret = getenv("ROOM_JWT_SECRET"), *why = NULL;
	struct jwt_keys *keys = NULL;
	json_t *claims =
		json_pack("{s:s, s:s, s:s, s:I}", "iss", "mainserver", "role", "user", "userId", user, "exp", (json_int_t)time(NULL) + 3600);
	char *ticket;

	if (!secret || jwt_keys_load(&keys, secret, &why) != OK)
		errx(2, "ROOM_JWT_SECRET: %s", secret ? why : "not set");
	ticket = jwt_sign(keys, claims);
	if (!ticket)
		errx(2, "out of memory");
	json_decref(claims);
	jwt_keys_free(keys);
	return ticket;
}

static void write_path(char *out, size_t size, const struct asking *a, uint32_t turn)
{
	size_t len = 0;

	*out = '\0';
	for (const char *p = a->kind->path; *p && len + 1 < size; p++) {
		const char *put = NULL;
		if (p[0] == '%' && p[1] == 's')
			put = a->conversation;
		else if (p[0] == '%' && p[1] == 'c')
			put = json_string_value(json_array_get(a->cursors, turn * 7919 % json_array_size(a->cursors)));
		if (put) {
			len += (size_t)snprintf(out + len, size - len, "%s", put);
			p++;
		} else {
			out[len++] = *p;
			out[len] = '\0';
		}
	}
}

static const char *build_request(struct pool *pool, uint32_t tag, size_t *len)
{
	struct asking *a = pool->ctx;
	char path[1024];

	write_path(path, sizeof path, a, tag);
	*len = (size_t)snprintf(a->request, sizeof a->request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n",
		path, ntohs(pool->addr->sin_port), a->ticket);
	a->at = now_ns();
	return a->request;
}

static void answered(struct pool *pool, uint32_t tag, const struct reply *reply)
{
	struct asking *a = pool->ctx;

	if (reply->status != 200 || !memmem(reply->body, reply->len, a->kind->holds, strlen(a->kind->holds)))
		broken("%s was answered %d %.*s", a->kind->path, reply->status, reply->len < 200 ? (int)reply->len : 200,
			reply->body ? reply->body : "");
	if (tag >= WARM_UP)
		hist_add(&a->bench->hist, now_ns() - a->at);
	if (++a->answered < REQUESTS + WARM_UP)
		pool_send(pool, a->answered);
}

static void measure(struct asking *a, const struct kind *kind)
{
	uint64_t p99;

	a->kind = kind;
	a->answered = 0;
	hist_init(&a->bench->hist);
	pool_send(&a->pool, 0);
	while (a->answered < REQUESTS + WARM_UP)
		loop_turn(now_ns() + SECOND);
	p99 = hist_share(&a->bench->hist, .99);
	figure(kind->what, "p99 < 20 ms", p99 < FLOOR, "%s (p50 %s)", ms(p99), ms(hist_share(&a->bench->hist, .5)));
}

void scenario_lasting(struct bench *b)
{
	json_t *seed = b->seed ? json_load_file(b->seed, 0, NULL) : NULL;
	struct asking a = {.bench = b};
	const char *user;

	if (json_unpack(seed, "{s:s, s:s, s:o}", "user", &user, "conversation", &a.conversation, "cursors", &a.cursors) != 0 ||
		json_array_size(a.cursors) == 0)
		errx(2, "lasting: -f names what tests/drivers/seed printed");
	a.ticket = user_ticket(user);
	a.pool = (struct pool){.addr = &b->addr, .build = build_request, .replied = answered, .ctx = &a};
	pool_init(&a.pool, 1);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		measure(&a, &kinds[i]);
	pool_done(&a.pool);
	free(a.ticket);
	json_decref(seed);
}
