/* The two that need no readers: an empty reply (the baseline) and history reads, one after the other. */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

enum { HISTORY_PAGE = 50, HISTORY_LENGTH = 200, HISTORY_READS = 100, HISTORY_WARM_UP = 10 };

struct asking {
	struct bench *bench;
	char request[4096];
	size_t request_len;
	struct session *session; /* history: filling it */
	uint64_t replies, since;
	bool stop, reading;
	int wrong;
};

static const char *build(struct pool *pool, uint32_t tag, size_t *len)
{
	struct asking *a = pool->ctx;
	if (a->session && !a->reading)
		return numbered(&a->session->side[tag % 2], tag, len);
	*len = a->request_len;
	return a->request;
}

static void empty_replied(struct pool *pool, uint32_t tag, const struct reply *reply)
{
	struct asking *a = pool->ctx;
	if (reply->status != 204 && a->wrong++ == 0)
		broken("an empty reply came as %d", reply->status);
	a->replies++;
	if (!a->stop && !a->wrong)
		pool_send(pool, tag);
}

void scenario_empty(struct bench *b)
{
	struct asking a = {.bench = b};
	struct pool pool = {.addr = &b->addr, .build = build, .replied = empty_replied, .ctx = &a};

	a.request_len =
		(size_t)snprintf(a.request, sizeof a.request, "GET /empty HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", ntohs(b->addr.sin_port));
	pool_init(&pool, b->senders);
	for (uint32_t i = 0; pool_send(&pool, i); i++)
		;
	uint64_t start = now_ns() + SECOND;
	while (now_ns() < start)
		loop_turn(start);
	procs_mark(&b->procs);
	a.replies = 0;
	start = now_ns();
	while (now_ns() < start + (uint64_t)(b->seconds * SECOND) && !a.wrong)
		loop_turn(now_ns() + MILLISECOND);
	double took = (double)(now_ns() - start) / SECOND;
	note("cpu seconds in %.1f s: %s", took, procs_cpu(&b->procs));
	figure("an empty FastCGI reply through lighttpd", NULL, true, "%.0f/s", (double)a.replies / took);
	a.stop = true;
	pool_done(&pool);
}

static size_t count(const char *text, size_t len, const char *what)
{
	size_t n = 0, what_len = strlen(what);
	for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), what, what_len)); at += what_len)
		n++;
	return n;
}

static void history_replied(struct pool *pool, uint32_t tag, const struct reply *reply)
{
	struct asking *a = pool->ctx;
	if (!a->reading)
		count_ack(a->session, tag, reply);
	else if (reply->status != 200 || count(reply->body, reply->len, MESSAGE_MARK) != HISTORY_PAGE)
		broken("a history read: %d, %zu messages", reply->status, count(reply->body, reply->len, MESSAGE_MARK));
	else if (tag >= HISTORY_WARM_UP)
		hist_add(&a->bench->hist, now_ns() - a->since);
	a->replies++;
}

static void ask(struct asking *a, struct pool *pool, uint32_t tag)
{
	uint64_t before = a->replies, give_up = now_ns() + 10 * SECOND;
	a->since = now_ns();
	pool_send(pool, tag);
	while (a->replies == before && now_ns() < give_up)
		loop_turn(give_up);
	if (a->replies == before)
		errx(2, "no answer within ten seconds");
}

void scenario_history(struct bench *b)
{
	struct session *s = sessions_new(b, 1);
	struct asking a = {.bench = b, .session = s};
	struct pool pool = {.addr = &b->addr, .build = build, .replied = history_replied, .ctx = &a};

	hist_init(&b->hist);
	a.request_len = (size_t)snprintf(a.request, sizeof a.request,
		"GET /api/conversations/%s/messages?limit=%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"Authorization: Bearer %s\r\n\r\n",
		s->id, HISTORY_PAGE, ntohs(b->addr.sin_port), s->side[0].ticket);
	pool_init(&pool, 1);
	for (uint32_t i = 0; i < HISTORY_LENGTH; i++)
		ask(&a, &pool, i);
	a.reading = true;
	procs_mark(&b->procs);
	for (uint32_t i = 0; i < HISTORY_WARM_UP + HISTORY_READS; i++)
		ask(&a, &pool, i);
	uint64_t p99 = hist_share(&b->hist, .99);
	char what[128];
	snprintf(what, sizeof what, "%d sequential history reads of %d messages: p99", HISTORY_READS, HISTORY_PAGE);
	figure(what, "< 3 ms", p99 < 3 * MILLISECOND && b->hist.n == HISTORY_READS, "%s (p50 %s, max %s)", ms(p99),
		ms(hist_share(&b->hist, .5)), ms(b->hist.max_ns));
	pool_done(&pool);
	sessions_free(s, 1);
}
