/* The job `search`: keeps what conversations are found by up to date, and gets what was edited or deleted out of the database's files. */
#include "base/clock.h"
#include "base/failpoint.h"
#include "store/search.h"
#include "worker/aof.h"
#include "worker/jobs.h"

enum {
	REFRESH = 100,
	STEP_PAUSE_MS = 10, /* others write, too */
	AT_LEAST_MS = 5000, /* between two scrubs … */
	POSTGRES_LEAST_MS = 60000,
	TIMES = 20, /* … and so many times as long as the last one took */
};

struct upkeep {
	struct aof *aof; /* news of messages went through Redis */
	/* clock_mono_ms: when to scrub again; and the rows alone, which takes no time */
	int64_t next_ms, rows_ms;
};

static enum err refresh(struct worker *w)
{
	int64_t done;
	enum err e = search_refresh(w->db, NULL, REFRESH, &done);

	worker_count(w, "refreshed", done);
	if (e == OK && done == REFRESH)
		w->more = true;
	return e;
}

/* A reader may be in the way: next time. */
static void scrub_rows(struct worker *w, struct upkeep *u)
{
	if (clock_mono_ms() < u->rows_ms)
		return;
	u->rows_ms = clock_mono_ms() + AT_LEAST_MS;
	enum err ignored = search_scrub_rows(w->db);
	(void)ignored;
}

static enum err scrub(struct worker *w, struct upkeep *u)
{
	int64_t began = clock_mono_ms(), least = db_is_postgres(w->db) ? POSTGRES_LEAST_MS : AT_LEAST_MS, took;
	bool more = true;
	enum err e;

	scrub_rows(w, u);
	if (began < u->next_ms)
		return OK;
	e = search_scrub_begin(w->db, &more);
	if (e != OK || !more)
		return e;
	aof_dirty(u->aof);
	FAILPOINT("search.scrub");
	while (e == OK && more) {
		e = search_scrub_step(w->db, &more);
		scrub_rows(w, u);
		if (more && (w->once ? worker_ending(w) : worker_wait(w, STEP_PAUSE_MS)))
			return OK; /* the next worker goes on: the notes are still there */
	}
	/* A reader may be in the way: next time. */
	if (e == OK && search_scrub_end(w->db) == OK)
		worker_count(w, "scrubbed", 1);
	took = clock_mono_ms() - began;
	u->next_ms = clock_mono_ms() + (took * TIMES > least ? took * TIMES : least);
	return e;
}

static enum err open_job(struct worker *w, const char **why)
{
	struct upkeep *u = w->own;

	(void)why;
	u->aof = aof_new(w);
	return OK;
}

static enum err run(struct worker *w)
{
	enum err e = refresh(w);

	return e == OK ? scrub(w, w->own) : e;
}

static void close_job(struct worker *w)
{
	aof_free(((struct upkeep *)w->own)->aof);
}

const struct job job_search = {.name = "search",
	.help = "the index of names; what was edited or deleted leaves the disk",
	.own_bytes = sizeof(struct upkeep),
	.open = open_job,
	.run = run,
	.close = close_job};
