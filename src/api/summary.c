/* A session's summary: asked for and read by its counselor, consented to by its student (design §7, §9). The request goes into the session's queue
 * first, then a sealed copy of the log beside it, then the row into SQL, and only then comes the answer: so whatever dies between, the repeated request
 * finds the same one. The worker makes up for what is missing; only the copy must be there before the session expires, or the answer says that it is not. */
#include <stdlib.h>
#include <string.h>

#include "api/copy.h"
#include "api/guard.h"
#include "api/routes.h"
#include "api/summary_json.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "chat/summary.h"
#include "http/body.h"
#include "outside/gemini.h"
#include "store/dbpool.h"
#include "store/store.h"

#define NOT_YOURS "Summaries are the counselor's."

static bool is_counselor(struct exchange *x)
{
	if (strcmp(ticket_of(x)->side, "counselor") == 0)
		return true;
	answer_error(x, ERR_FORBIDDEN, NOT_YOURS, 0);
	return false;
}

static void *held(const void *thing, size_t bytes)
{
	void *p = malloc(bytes);

	if (!p)
		abort();
	return memcpy(p, thing, bytes);
}

/* ---- asking ---- */

/* A request on its way into SQL. */
struct asking {
	struct exchange *exchange;
	struct ticket by;
	struct summary_request request;
};

static void answer_status(struct exchange *x, int status, const char *word)
{
	struct buf out;

	buf_init(&out, 64);
	buf_printf(&out, "{\"status\":\"%s\"}", word);
	exchange_json(x, status, &out);
	buf_done(&out);
}

static void queued(void *exchange, enum err e, const struct summary_request *r, const char *details);

static enum err keep(struct db *d, struct arena *a, const struct asking *q, struct summary_row *row)
{
	const struct summary_request *r = &q->request;
	struct summary_new n = {.conversation = q->by.conversation,
		.case_ref = *r->case_ref ? r->case_ref : NULL,
		.counselor = q->by.participant,
		.session_at = r->session_at,
		.now = r->at,
		.expires_at = r->at + config_number("ROOM_SUMMARY_DAYS") * 86400000,
		.again = true};
	bool made;

	return summaries_request(d, a, &n, row, &made);
}

/* Nothing was said since the last one. Is it still there? */
static enum err look_at_ready(struct db *d, struct arena *a, const struct asking *q, bool *there)
{
	struct summary_row row;
	enum err e = summaries_get(d, a, q->by.conversation, NULL, clock_now_ms(), &row);

	if (summaries_locked(e, &row))
		e = OK;
	*there = e == OK && row.session_at == q->request.session_at && strcmp(row.status, "ready") == 0;
	return e == ERR_NOT_FOUND ? OK : e;
}

/* Whoever hears that it was asked for may rely on it: there is a copy, or the worker makes one in time. */
static enum err keep_copy(struct arena *a, const struct asking *q)
{
	enum err e = copy_keep(a, q->by.conversation, q->request.at);

	if (e == ERR_GONE || e == ERR_NOT_FOUND)
		return ERR_GONE;
	return e == ERR_STORE_UNAVAILABLE ? e : OK;
}

/* On a thread of the pool. */
static void write_request(struct db *d, void *asking)
{
	struct asking *q = asking;
	enum err e = d ? OK : ERR_STORE_UNAVAILABLE;
	bool there = true;
	struct summary_row row;
	struct arena a;

	arena_init(&a);
	FAILPOINT("ask.copy");
	if (e == OK && !q->request.unchanged)
		e = keep_copy(&a, q);
	FAILPOINT("ask.copied");
	if (e == OK && q->request.unchanged)
		e = look_at_ready(d, &a, q, &there);
	if (e == OK && there)
		e = keep(d, &a, q, &row);
	FAILPOINT("ask.sql");
	arena_done(&a);
	if (e != OK)
		answer_error(q->exchange, e, NULL, 0);
	else if (there)
		answer_status(q->exchange, q->request.unchanged ? 200 : 202, q->request.unchanged ? "ready" : "requested");
	else
		summary_ask(&q->by, true, queued, q->exchange);
	free(q);
}

static void queued(void *exchange, enum err e, const struct summary_request *r, const char *details)
{
	struct exchange *x = exchange;
	struct asking q = {.exchange = x}, *p;

	FAILPOINT("ask.queued");
	if (e != OK) {
		answer_error(x, e, details, 0);
		return;
	}
	q.by = *ticket_of(x);
	q.request = *r;
	p = held(&q, sizeof q);
	e = dbpool_run(write_request, p);
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		free(p);
	}
}

void summary_post(struct exchange *x)
{
	if (!is_counselor(x) || !guard_bare_body(x))
		return;
	if (gemini_on())
		summary_ask(ticket_of(x), false, queued, x);
	else
		answer_error(x, ERR_SUMMARIES_OFF, NULL, 0);
}

/* ---- reading ---- */

/* On a thread of the pool. */
static void read_row(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	const struct ticket *t = ticket_of(x);
	struct summary_row row = {0};
	struct arena a;
	enum err e;

	arena_init(&a);
	e = d ? summaries_get(d, &a, t->conversation, t->participant, clock_now_ms(), &row) : ERR_STORE_UNAVAILABLE;
	if (e == OK || summaries_locked(e, &row))
		summary_answer(x, &row, false);
	else
		answer_error(x, e, NULL, 0);
	arena_done(&a);
}

static void looked(void *exchange, enum err e)
{
	if (e == OK)
		e = dbpool_run(read_row, exchange);
	if (e != OK)
		answer_error(exchange, e, NULL, 0);
}

void summary_show(struct exchange *x)
{
	if (is_counselor(x))
		summary_look(ticket_of(x)->conversation, 0, looked, x);
}

/* ---- consent ---- */

static void consented(void *exchange, enum err e, const struct summary_terms *t)
{
	(void)t;
	if (e == ERR_CONFLICT)
		answer_error(exchange, e, "This session does not wait for consent: a refusal would change nothing.", 0);
	else
		answer_empty(exchange, e);
}

static void told(void *exchange, enum err e, const struct summary_terms *t)
{
	struct buf out;

	if (e != OK) {
		answer_error(exchange, e, NULL, 0);
		return;
	}
	buf_init(&out, 256);
	buf_printf(&out, "{\"policy\":\"%s\",\"consent\":%s,\"requested\":%s}", gemini_on() ? t->policy : "off",
		t->consent < 0   ? "null"
			: t->consent ? "true"
						 : "false",
		t->was_asked ? "true" : "false");
	exchange_json(exchange, 200, &out);
	buf_done(&out);
}

static bool is_student(struct exchange *x)
{
	if (strcmp(ticket_of(x)->side, "student") == 0)
		return true;
	answer_error(x, ERR_FORBIDDEN, "Consent is the student's.", 0);
	return false;
}

void summary_show_consent(struct exchange *x)
{
	if (is_student(x))
		summary_consent(ticket_of(x), '\0', told, x);
}

void summary_put_consent(struct exchange *x)
{
	struct body b;
	bool given;

	if (!is_student(x))
		return;
	body_open(&b, &x->request, true);
	given = body_flag(&b, "consent", true);
	if (guard_body(x, &b))
		summary_consent(ticket_of(x), given ? '1' : '0', consented, x);
}
