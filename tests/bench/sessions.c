/* The sessions a scenario works on: created over HTTP as MainServer would, read by both sides, counted at the end. */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/jwt.h"
#include "bench.h"

enum { NUMBER_DIGITS = 10, CREATORS = 16 };

struct creation {
	struct bench *bench;
	struct session *sessions;
	char *ticket;
	size_t n, next, done;
	size_t first; /* sessions that this process made before */
	char request[8192];
};

static char *service_ticket(void)
{
	const char *secret = getenv("ROOM_JWT_SECRET"), *why = NULL;
	struct jwt_keys *keys = NULL;
	json_t *claims = json_pack("{s:s, s:s, s:I}", "iss", "mainserver", "role", "service", "exp", (json_int_t)time(NULL) + 3600);
	char *ticket;

	if (!secret)
		errx(2, "ROOM_JWT_SECRET is not set");
	if (jwt_keys_load(&keys, secret, &why) != OK)
		errx(2, "ROOM_JWT_SECRET: %s", why);
	ticket = claims ? jwt_sign(keys, claims) : NULL;
	if (!ticket)
		errx(2, "out of memory");
	json_decref(claims);
	jwt_keys_free(keys);
	return ticket;
}

/* Short ids, as MainServer may choose them: with them "Bearer " and the ticket fit into 255 bytes. lighttpd keeps longer header values in 512 bytes
 * (a quarter of a KB more per idle stream). */
static const char *build_creation(struct pool *pool, uint32_t tag, size_t *len)
{
	struct creation *c = pool->ctx;
	char body[512];
	int body_len = snprintf(body, sizeof body,
		"{\"sessionId\":\"s%x_%x\",\"studentAnonymousId\":\"anon_%u\",\"counselorId\":\"couns_%u\",\"caseRef\":\"case_%u\","
		"\"devices\":{\"student\":{\"token\":\"device-s-%u\"},\"counselor\":{\"token\":\"device-c-%u\"}}}",
		(unsigned)getpid(), (unsigned)c->first + tag, tag, tag, tag, tag, tag);
	int n = snprintf(c->request, sizeof c->request,
		"POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		ntohs(pool->addr->sin_port), c->ticket, body_len, body);
	*len = (size_t)n;
	return c->request;
}

/* The prepared send: what a browser client would send, less a browser's own headers. The content is an ordinary chat line. */
static void prepare(struct bench *b, const struct session *s, struct side *side)
{
	char body[512];
	int body_len = snprintf(body, sizeof body,
		"{\"content\":\"I read it again last night, and I think I see now what you meant. (%0*d)\",\"type\":\"text\","
		"\"clientId\":\"bench-%0*d\"}",
		NUMBER_DIGITS, 0, NUMBER_DIGITS, 0);
	int n = asprintf(&side->request,
		"POST /api/conversations/%s/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		s->id, ntohs(b->addr.sin_port), side->ticket, body_len, body);
	if (n < 0)
		errx(2, "out of memory");
	side->request_len = (size_t)n;
	const char *start = side->request + n - body_len;
	side->number_at[0] = (size_t)(strchr(start, '(') + 1 - side->request);
	side->number_at[1] = (size_t)(strstr(start, MESSAGE_MARK) + strlen(MESSAGE_MARK) - side->request);
}

const char *numbered(struct side *side, uint32_t seq, size_t *len)
{
	char digits[NUMBER_DIGITS];
	uint64_t n = (uint64_t)seq + 1;
	for (int i = NUMBER_DIGITS - 1; i >= 0; i--, n /= 10)
		digits[i] = (char)('0' + n % 10);
	memcpy(side->request + side->number_at[0], digits, NUMBER_DIGITS);
	memcpy(side->request + side->number_at[1], digits, NUMBER_DIGITS);
	*len = side->request_len;
	return side->request;
}

static void created(struct pool *pool, uint32_t tag, const struct reply *reply)
{
	struct creation *c = pool->ctx;
	struct session *s = &c->sessions[tag];
	json_t *body = json_loadb(reply->body, reply->len, 0, NULL);
	const char *id, *student, *counselor;

	if (reply->status != 201)
		errx(2, "creating a session: %d %.*s", reply->status, (int)reply->len, reply->body ? reply->body : "");
	if (json_unpack(body, "{s:s, s:{s:s, s:s}}", "sessionId", &id, "tickets", "student", &student, "counselor", &counselor) != 0)
		errx(2, "creating a session: unexpected answer %.*s", (int)reply->len, reply->body);
	snprintf(s->id, sizeof s->id, "%s", id);
	s->side[0].ticket = strdup(student);
	s->side[1].ticket = strdup(counselor);
	json_decref(body);
	for (int i = 0; i < 2; i++)
		prepare(c->bench, s, &s->side[i]);
	c->done++;
	if (c->next < c->n && pool_send(pool, (uint32_t)c->next))
		c->next++;
}

struct session *sessions_new(struct bench *b, size_t n)
{
	static size_t made;
	struct creation c = {.bench = b, .sessions = calloc(n, sizeof(struct session)), .n = n, .first = made, .ticket = service_ticket()};
	struct pool pool = {.addr = &b->addr, .build = build_creation, .replied = created, .ctx = &c};

	made += n;
	if (!c.sessions)
		err(2, "malloc");
	pool_init(&pool, CREATORS);
	while (c.next < n && pool_send(&pool, (uint32_t)c.next))
		c.next++;
	while (c.done < n)
		loop_turn(now_ns() + SECOND);
	pool_done(&pool);
	free(c.ticket);
	return c.sessions;
}

void sessions_free(struct session *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < 2; k++) {
			free(s[i].side[k].ticket);
			free(s[i].side[k].request);
		}
	}
	free(s);
}

void sessions_read(struct bench *b, struct session *s, size_t n, struct readers *all, size_t at_a_time)
{
	uint64_t give_up = now_ns() + 60 * SECOND;
	size_t opened = 0;

	all->addr = &b->addr;
	readers_init(all, 2 * n);
	while (all->ready < all->n) {
		for (; opened < all->n && opened < all->ready + at_a_time; opened++) {
			struct reader *r = &all->at[opened];
			r->ticket = s[opened / 2].side[opened % 2].ticket;
			r->conv = s[opened / 2].id;
			r->session = (uint32_t)(opened / 2);
			reader_open(r);
		}
		loop_turn(now_ns() + SECOND);
		if (all->failed > 0 || now_ns() > give_up)
			errx(2, "opening streams: %zu ready, %zu failed, %zu wanted", all->ready, all->failed, all->n);
	}
}

bool count_ack(struct session *s, uint32_t seq, const struct reply *reply)
{
	if (reply->status != 201 && reply->status != 200) {
		broken("a send was answered %d %.*s", reply->status, (int)reply->len, reply->body ? reply->body : "");
		return false;
	}
	uint64_t position = number_after(reply->body, reply->len, "\"id\":");
	if (position > s->position)
		s->position = position;
	s->acked++;
	s->sum += (uint64_t)seq + 1;
	return true;
}

static bool caught_up(const struct session *s, size_t n, const struct readers *all)
{
	for (size_t i = 0; i < 2 * n; i++)
		if (all->at[i].state != READER_FAILED && all->at[i].position < s[i / 2].position)
			return false;
	return true;
}

bool sessions_agree(struct session *s, size_t n, struct readers *all)
{
	uint64_t give_up = now_ns() + 10 * SECOND;
	size_t wrong = 0;

	while (!caught_up(s, n, all) && now_ns() < give_up)
		loop_turn(now_ns() + 10 * MILLISECOND);
	for (size_t i = 0; i < 2 * n; i++) {
		const struct reader *r = &all->at[i];
		if (r->state == READER_OPEN && r->messages == s[i / 2].acked && r->sum == s[i / 2].sum && s[i / 2].position > 0)
			continue;
		if (r->state == READER_OPEN && s[i / 2].acked == 0 && r->messages == 0)
			continue;
		if (wrong++ < 5)
			note("reader %zu of %s: %llu messages up to position %llu, answered were %llu up to %llu", i % 2, s[i / 2].id,
				(unsigned long long)r->messages, (unsigned long long)r->position, (unsigned long long)s[i / 2].acked,
				(unsigned long long)s[i / 2].position);
	}
	if (wrong > 0)
		broken("%zu of %zu readers did not get exactly what was answered", wrong, 2 * n);
	return wrong == 0;
}
