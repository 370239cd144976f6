/* The job `summary`: what counselors asked for is written by Gemini ({b}:summary; store/lua/_summary.lua has the request's keys). A round claims what
 * is due, reads each log and keeps a sealed copy of it (so that expiry never waits), asks for all at once, keeps the documents, and notes what became
 * of each. A death anywhere leaves the claim, which lapses after LEASE_MS:
 *   before the document was kept     it is read and asked for anew; the row's attempt fences off whoever comes late
 *   after that, before the note      the row says how it ended: only the note is made up for
 * So a request has one document, one message to MainServer, one summary:ready. Erasing takes request and copy away, and the row with the ledger's
 * completion: an erased session's summary finds neither. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "base/log.h"
#include "chat/summary.h"
#include "chat/talk.h"
#include "outside/gemini.h"
#include "store/keys.h"
#include "store/summaries.h"
#include "worker/due.h"
#include "worker/jobs.h"
#include "worker/keeping.h"
#include "worker/tell.h"

enum {
	BATCH = GEMINI_BATCH,
	LEASE_MS = 180000, /* longer than a batch takes */
	NO_SQL_MS = 5000,
};

struct request {
	const char *conversation;
	const char *claim, *counselor, *case_ref; /* case_ref NULL: none */
	const char *request_id;                   /* of who asked, "" nobody knows */
	int64_t at, session_at;
	int tries;
	struct talk talk;
	bool living; /* the log was read, not the copy */

	char row[ID_MAX + 1]; /* in SQL */
	int64_t attempt;
	const char *previous; /* the document of the case's session before; NULL: none */
	const char *previous_of;
	int64_t previous_at;
	const char *why; /* not NULL: it failed, without being asked for */
	char *document;

	const char *outcome; /* of store/lua/summary_done.lua; NULL: nothing to note, or to be asked for */
	const char *text;    /* its argument, when no time */
	int64_t again_ms;
	bool counts;
};

struct round {
	struct worker *w;
	struct request list[BATCH];
	size_t count;
};

static void again(struct request *q, int64_t ms, bool counts)
{
	q->outcome = "again";
	q->again_ms = ms;
	q->counts = counts;
}

/* ---- claim ---- */

static void fill_claim(void *ctx, size_t i, struct args *args)
{
	keys_conversation(args, told_text(told_at(ctx, i)));
	args_int(args, LEASE_MS);
}

/* One answer of summary_claim; the copy stays where it is. */
static void take(struct round *r, const char *conversation, const struct told *t, const char *state)
{
	struct request *q = &r->list[r->count++];
	const char *case_ref = told_text(told_at(t, 6));

	*q = (struct request){.conversation = conversation,
		.claim = told_text(told_at(t, 2)),
		.at = told_int(told_at(t, 3)),
		.session_at = told_int(told_at(t, 4)),
		.counselor = told_text(told_at(t, 5)),
		.case_ref = *case_ref ? case_ref : NULL,
		.request_id = told_text(told_at(t, 9)),
		.tries = (int)told_int(told_at(t, 7)),
		.living = strcmp(state, "log") == 0};
	talk_init(&q->talk);
	if (strcmp(state, "late") == 0)
		q->why = "TOO_LATE";
	else if (strcmp(state, "over") == 0)
		q->why = "SESSION_OVER";
	else if (strcmp(state, "refused") == 0)
		q->why = "CONSENT";
	else if (!q->living &&
		talk_open(&q->talk, &r->w->arena, told_text(told_at(t, 8)), told_len(told_at(t, 8)), q->conversation, q->at) != OK)
		q->why = "NO_COPY"; /* no key of ours opens it */
}

static enum err claim(struct round *r, unsigned bucket)
{
	struct worker *w = r->w;
	const struct told *ids, *told[BATCH];
	enum err e, errs[BATCH];
	size_t n;

	e = due_list(w, bucket, "summary", BATCH, &ids, &n);
	if (e != OK)
		return e;
	ask_scripts(w->redis, &w->arena, "summary_claim", fill_claim, (void *)ids, n, errs, told);
	FAILPOINT("summary.claim");
	for (size_t i = 0; i < n; i++) {
		const char *state = told_text(told_at(told[i], 1));
		if (errs[i] != OK)
			e = errs[i];
		else if (strcmp(state, "dropped") == 0)
			worker_count(w, "dropped", 1);
		else if (strcmp(state, "taken") != 0)
			take(r, told_text(told_at(ids, i)), told[i], state);
	}
	return e;
}

/* ---- the log, and its copy ---- */

/* Over since it was claimed, or not wanted by the student any more: its claim is given back, and whoever is next sees what is left. */
static enum err read_log(struct worker *w, struct request *q)
{
	enum err e = talk_read(&q->talk, w->redis, &w->arena, q->conversation);

	FAILPOINT("summary.read");
	if (e == OK)
		e = talk_keep(&q->talk, w->redis, &w->arena, q->conversation, q->at, q->claim);
	FAILPOINT("summary.copy");
	if (e == OK)
		return OK;
	again(q, 0, false);
	if (e == ERR_CONFLICT || e == ERR_FORBIDDEN || e == ERR_GONE || e == ERR_NOT_FOUND) {
		w->more = true;
		return OK;
	}
	return e;
}

/* ---- SQL: the row, the case ---- */

/* It was settled before whoever did that could note it. */
static enum err find_outcome(struct worker *w, struct request *q)
{
	struct summary_row row;
	enum err e = summaries_get(w->db, &w->arena, q->conversation, NULL, 0, &row);

	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	q->outcome = e == OK && row.session_at == q->session_at ? (row.reason ? "failed" : "ready") : "drop";
	q->text = e == OK && row.reason ? row.reason : "";
	return OK;
}

/* ERR_GONE: that session was erased; SQL learns of it with the bookkeeping only. */
static enum err look(struct worker *w, const char *conversation, int64_t session_at)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, conversation);
	args_int(&a, session_at);
	return ask_script(w->redis, &w->arena, "summary_look", &a, NULL);
}

/* None, if it cannot be read. */
static enum err find_previous(struct worker *w, struct request *q)
{
	struct summary_place after = {0};
	struct summary_row row;
	enum err e, looked = ERR_GONE;

	do {
		e = summaries_previous(w->db, &w->arena, q->case_ref, q->conversation, clock_now_ms(), after, &row);
		if (summaries_locked(e, &row)) { /* those before it can be read, maybe */
			after = (struct summary_place){row.created_at, row.id};
			continue;
		}
		if (e != OK)
			return e == ERR_STORE_UNAVAILABLE ? e : OK;
		looked = look(w, row.conversation, row.session_at);
		after = (struct summary_place){row.created_at, row.id};
	} while (looked == ERR_GONE);
	if (looked == OK) {
		q->previous = row.document;
		q->previous_of = row.conversation;
		q->previous_at = row.session_at;
	}
	return looked;
}

/* Erased while the one that builds on it was written: that one is written anew, without it. */
static enum err check_previous(struct worker *w, struct request *q)
{
	enum err e = q->previous ? look(w, q->previous_of, q->previous_at) : OK;

	if (e != ERR_GONE)
		return e;
	again(q, 0, false);
	w->more = true;
	return OK;
}

static enum err begin(struct worker *w, struct request *q)
{
	struct summary_new n = {.conversation = q->conversation,
		.case_ref = q->case_ref,
		.counselor = q->counselor,
		.session_at = q->session_at,
		.now = q->at,
		.expires_at = keeping_until(q->at),
		.again = true,
		.late = true};
	struct summary_row row;
	bool made;
	enum err e = summaries_request(w->db, &w->arena, &n, &row, &made);

	if (e == ERR_GONE) {
		q->outcome = "drop";
		return OK;
	}
	if (e == OK) {
		snprintf(q->row, sizeof q->row, "%s", row.id);
		e = summaries_start(w->db, q->row, clock_now_ms(), &q->attempt);
	}
	FAILPOINT("summary.begin");
	if (e == ERR_NOT_FOUND)
		return find_outcome(w, q);
	return e != OK || !q->case_ref || q->why ? e : find_previous(w, q);
}

/* ---- is it still wanted? ---- */

static enum err check(struct worker *w, struct request *q, bool log_too)
{
	const struct told *t;
	struct args a;
	enum err e;

	args_init(&a);
	keys_conversation(&a, q->conversation);
	args_str(&a, q->claim);
	args_str(&a, log_too && q->living ? q->talk.state : "");
	e = ask_script(w->redis, &w->arena, "summary_check", &a, &t);
	if (e == ERR_FORBIDDEN) {
		q->why = "CONSENT";
		return OK;
	}
	if (e == ERR_CONFLICT && strcmp(told_text(told_at(t, 1)), "amended") == 0) {
		again(q, 0, false);
		w->more = true;
		return OK;
	}
	if (e == ERR_CONFLICT) {
		q->outcome = ""; /* erased, or another's: nothing to note */
		worker_count(w, "dropped", 1);
		return OK;
	}
	return e;
}

/* ---- ask ---- */

static void judge(struct request *q, const struct gemini_result *g)
{
	bool tried = strcmp(g->why, CALLER_BREAKER) != 0;

	if (g->verdict == GEMINI_DONE) {
		q->document = g->document;
	} else if (g->verdict == GEMINI_RETRY && clock_now_ms() + g->retry_after_ms < q->at + SUMMARY_HOUR_MS) {
		again(q, g->retry_after_ms, tried);
	} else {
		q->why = g->why;
	}
	if (q->why)
		log_line(LOG_WARN, "summary.failed", "s:why", q->why, "i:status", (int64_t)g->status, "i:tries", (int64_t)q->tries, NULL);
}

static enum err write_all(struct round *r)
{
	struct gemini_ask asks[BATCH];
	struct gemini_result results[BATCH];
	struct request *list[BATCH];
	enum err e = OK;
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct request *q = &r->list[i];
		enum err one = q->outcome || q->why ? OK : check(r->w, q, true);
		if (one != OK) {
			again(q, NO_SQL_MS, false);
			e = one;
		}
		if (q->outcome || q->why)
			continue;
		list[n] = q;
		asks[n++] = (struct gemini_ask){.lines = q->talk.lines, .count = q->talk.count, .previous = q->previous, .attempt = q->tries};
	}
	FAILPOINT("summary.check");
	if (n > 0)
		gemini_send(&r->w->caller, asks, results, n);
	FAILPOINT("summary.answer");
	for (size_t i = 0; i < n; i++)
		judge(list[i], &results[i]);
	return e;
}

/* ---- keep ---- */

static enum err settle(struct db *d, void *ctx)
{
	struct request *q = ctx;
	struct keeping_news news = {
		.conversation = q->conversation, .request_id = q->request_id, .why = q->why, .session_at = q->session_at, .asked_at = q->at};
	int64_t now = clock_now_ms();
	enum err e;

	if (q->document)
		e = summaries_finish(d, q->row, q->attempt, config_text("ROOM_GEMINI_MODEL"), q->document, strlen(q->document), now);
	else
		e = summaries_fail(d, q->row, q->attempt, q->why, now);
	return e == OK ? keeping_tell(d, &news, now) : e;
}

static void drop_document(struct request *q)
{
	if (q->document)
		explicit_bzero(q->document, strlen(q->document));
	free(q->document);
	q->document = NULL;
}

static enum err keep_one(struct worker *w, struct request *q)
{
	enum err e = q->document ? check(w, q, false) : OK;

	if (e == OK && q->document && !q->outcome && !q->why)
		e = check_previous(w, q);
	if (e == OK && q->outcome)
		return OK;
	if (q->why)
		drop_document(q);
	FAILPOINT("summary.keep");
	if (e == OK)
		e = db_write(w->db, settle, q);
	FAILPOINT("summary.settle");
	if (e == ERR_CONFLICT) { /* another attempt has begun, or the row was erased with its case */
		e = find_outcome(w, q);
		if (e == OK && strcmp(q->outcome, "drop") != 0)
			q->outcome = "";
		return e;
	}
	if (e != OK) {
		again(q, NO_SQL_MS, false);
		return e;
	}
	q->outcome = q->document ? "ready" : "failed";
	q->text = q->why;
	return OK;
}

/* ---- note ---- */

static void fill_done(void *ctx, size_t i, struct args *args)
{
	const struct request *q = ((struct request *const *)ctx)[i];
	char hex[ID_CHECK_LEN + 1];

	keys_conversation(args, q->conversation);
	args_str(args, q->claim);
	args_str(args, q->outcome);
	if (q->text)
		args_str(args, q->text);
	else
		args_int(args, q->again_ms);
	args_int(args, q->counts);
	id_hex(hex, ID_CHECK_LEN);
	args_printf(args, "%s", hex);
}

static enum err note(struct round *r)
{
	struct request *list[BATCH];
	const struct told *told[BATCH];
	enum err errs[BATCH], e = OK;
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].outcome && *r->list[i].outcome)
			list[n++] = &r->list[i];
	ask_scripts(r->w->redis, &r->w->arena, "summary_done", fill_done, list, n, errs, told);
	FAILPOINT("summary.note");
	for (size_t i = 0; i < n; i++) {
		if (errs[i] == OK)
			worker_count(r->w, list[i]->outcome, 1);
		else if (errs[i] != ERR_CONFLICT)
			e = errs[i];
	}
	return e;
}

/* ---- the job ---- */

/* The first error of a round counts; what one request meets keeps none of the others. */
static void first(enum err *e, enum err one)
{
	if (*e == OK)
		*e = one;
}

static enum err run_bucket(struct worker *w, unsigned bucket)
{
	struct round r = {.w = w};
	enum err e = claim(&r, bucket);

	for (size_t i = 0; i < r.count; i++) {
		struct request *q = &r.list[i];
		if (q->living)
			first(&e, read_log(w, q));
		if (!q->outcome) {
			enum err one = begin(w, q);
			if (one != OK)
				again(q, NO_SQL_MS, false);
			first(&e, one);
		}
	}
	if (r.count > 0)
		first(&e, write_all(&r));
	for (size_t i = 0; i < r.count; i++)
		if (!r.list[i].outcome)
			first(&e, keep_one(w, &r.list[i]));
	if (r.count > 0)
		first(&e, note(&r));
	for (size_t i = 0; i < r.count; i++) {
		talk_done(&r.list[i].talk);
		drop_document(&r.list[i]);
	}
	return e;
}

static enum err run(struct worker *w)
{
	enum err e = gemini_on() ? due_each_bucket(w, run_bucket) : OK;

	first(&e, keeping_round(w));
	return e;
}

const struct job job_summary = {.name = "summary",
	.help = "what counselors asked for (Gemini); what was kept long enough goes",
	.own_bytes = sizeof(struct keeping),
	.run = run};
