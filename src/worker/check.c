/* The job `check`: sessions that the ledger calls open and Redis does not know any more are lost; MainServer is told. Each open row is looked at once a minute,
 * and all of them at once when Redis has lost the mark that we left there: then it has lost everything.
 *
 * No false alarms: a session's row is written after its keys; a Redis that does not answer, loads or is being replaced says nothing; what is
 * missing is asked for a second time, a moment later; expired ones leave a stub, and stay on the bookkeeping's list until their row is complete. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/ask.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "worker/jobs.h"
#include "worker/tell.h"

enum {
	BATCH = 200,
	EACH_MS = 60000, /* an open row is looked at this often */
	ROWS_MS = 5000,  /* and we look for such rows */
	DOUBT_MS = 1500, /* before the second question */
};

struct check {
	int64_t rows_ms; /* when we last looked for rows, clock_mono_ms */
	int64_t full_ms; /* a look at all rows is under way: those not looked at since then (clock_now_ms); 0: none */
};

/* ---- the mark ---- */

/* Walks the buckets: is the mark there in all of them? set: puts it. */
static enum err marks(struct worker *w, bool set, bool *all)
{
	enum err e = OK;

	*all = true;
	for (unsigned b = 0; e == OK && b < keys_buckets(); b++) {
		const struct told *t;
		struct args a;
		args_init(&a);
		args_str(&a, set ? "SET" : "EXISTS");
		args_printf(&a, "{%u}:mark", b);
		if (set)
			args_str(&a, "1");
		e = ask_command(w->redis, &w->arena, &a, &t);
		if (e == OK && !set && told_int(t) == 0)
			*all = false;
	}
	return e;
}

/* ---- rows ---- */

static void fill(void *ctx, size_t i, struct args *args)
{
	const struct ledger_row *rows = ctx;

	keys_conversation(args, rows[i].conversation);
	args_int(args, rows[i].created_at);
}

/* Leaves in rows those that Redis, having answered, does not know. */
static enum err missing(struct worker *w, struct ledger_row *rows, int *count)
{
	const struct told *told[BATCH];
	enum err errs[BATCH], e = OK;
	int left = 0;

	ask_scripts(w->redis, &w->arena, "known", fill, rows, (size_t)*count, errs, told);
	for (int i = 0; i < *count; i++) {
		if (errs[i] != OK)
			e = errs[i];
		else if (told_int(told_at(told[i], 1)) == 0)
			rows[left++] = rows[i];
	}
	*count = left;
	return e;
}

struct loss {
	struct ledger_row *rows;
	int count;
	int64_t at, closed;
};

static enum err close_lost(struct db *d, void *ctx)
{
	struct loss *l = ctx;
	enum err e = OK;

	l->closed = 0;
	for (int i = 0; e == OK && i < l->count; i++) {
		struct ledger_row *row = &l->rows[i];
		bool closed_now;
		json_t *data;
		row->messages = -1;
		e = ledger_close(d, row, LEDGER_LOST, l->at, &closed_now);
		if (e != OK || !closed_now)
			continue;
		l->closed++;
		data =
			json_pack("{s:s, s:I, s:I}", "sessionId", row->conversation, "createdAt", (json_int_t)row->created_at, "at", (json_int_t)l->at);
		if (!data)
			abort();
		e = tell(d, "session.lost", row->conversation, row->created_at, l->at, data);
		json_decref(data);
	}
	return e;
}

static enum err look_at_rows(struct worker *w, int64_t before_ms, bool *full)
{
	struct loss loss = {.at = clock_now_ms()};
	struct ledger_row *rows;
	int count;
	enum err e;

	e = ledger_check(w->db, &w->arena, loss.at, before_ms, BATCH, &rows, &count);
	*full = count == BATCH;
	if (e != OK || count == 0)
		return e;
	worker_count(w, "looked", count);
	e = missing(w, rows, &count);
	if (count == 0)
		return e;
	FAILPOINT("check.doubted");
	if (worker_wait(w, DOUBT_MS))
		return e;
	e = missing(w, rows, &count);
	if (count == 0)
		return e;
	loss.rows = rows;
	loss.count = count;
	e = db_write(w->db, close_lost, &loss);
	FAILPOINT("check.closed");
	if (e != OK)
		return e;
	worker_count(w, "lost", loss.closed);
	if (loss.closed > 0)
		log_line(LOG_ERROR, "sessions.lost", "i:count", loss.closed, NULL);
	return OK;
}

/* ---- the job ---- */

/* Redis answers, but knows nothing of us: all rows, then a new mark. */
static enum err look_at_all(struct worker *w, struct check *c)
{
	bool full, all;
	enum err e;

	if (c->full_ms == 0)
		c->full_ms = clock_now_ms();
	e = look_at_rows(w, c->full_ms, &full);
	if (e != OK || worker_ending(w))
		return e;
	if (full) {
		w->more = true;
		return OK;
	}
	c->full_ms = 0;
	return marks(w, true, &all);
}

static enum err run(struct worker *w)
{
	struct check *c = w->own;
	bool marked, full;
	enum err e = marks(w, false, &marked);

	if (e != OK)
		return e;
	if (!marked || c->full_ms > 0)
		return look_at_all(w, c);
	if (!w->once && c->rows_ms > 0 && clock_mono_ms() - c->rows_ms < ROWS_MS)
		return OK;
	e = look_at_rows(w, clock_now_ms() - EACH_MS, &full);
	if (e == OK && full)
		w->more = true;
	else
		c->rows_ms = clock_mono_ms();
	return e;
}

const struct job job_check = {
	.name = "check", .help = "sessions that Redis has lost: MainServer is told", .own_bytes = sizeof(struct check), .run = run};
