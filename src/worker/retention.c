/* The job `retention`: messages of lasting conversations that are past their time, and what is left of conversations that were erased, in small portions. */
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "store/conversations_change.h"
#include "store/retention.h"
#include "worker/jobs.h"

enum { LOOK = 200, PORTION = 200, EACH_MS = 5000, TIMES = 20 /* so many times as long as PostgreSQL cleaned a table it is left alone */ };

struct retention {
	int64_t n;        /* looked at up to here */
	int64_t next_ms;  /* clock_mono_ms: when to look from the beginning again */
	int64_t sweep_ms; /* the same for what was erased */
};

static enum err erase(struct worker *w, const char *id, int64_t now, int64_t setting_s)
{
	bool more = true;
	enum err e = OK;

	while (e == OK && more && !worker_ending(w)) {
		int64_t erased;
		e = retention_erase(w->db, id, now, setting_s, PORTION, &more, &erased);
		FAILPOINT("retention.portion");
		worker_count(w, "erased", erased);
	}
	return e;
}

static enum err messages(struct worker *w, struct retention *r)
{
	int64_t now = clock_now_ms(), setting_s = config_number("ROOM_RETENTION_S");
	const char **ids;
	int count;
	enum err e;

	if (clock_mono_ms() < r->next_ms)
		return OK;
	e = retention_due(w->db, &w->arena, now, setting_s, LOOK, &r->n, &ids, &count);
	for (int i = 0; e == OK && i < count && !worker_ending(w); i++)
		e = erase(w, ids[i], now, setting_s);
	if (e == OK && r->n == 0)
		r->next_ms = clock_mono_ms() + EACH_MS;
	else if (e == OK)
		w->more = true;
	return e;
}

/* Of conversations that somebody erased. */
static enum err conversations(struct worker *w, struct retention *r)
{
	bool more = true;
	enum err e = OK;

	if (clock_mono_ms() < r->sweep_ms)
		return OK;
	while (e == OK && more && !worker_ending(w))
		e = conversations_sweep(w->db, PORTION, &more);
	if (e != OK || more)
		return e;
	int64_t began = clock_mono_ms();
	bool done = conversations_swept(w->db) == OK; /* else a reader was in the way */
	int64_t took = clock_mono_ms() - began;
	r->sweep_ms = clock_mono_ms() + (db_is_postgres(w->db) ? TIMES * took : 0) + (done ? 0 : EACH_MS);
	return OK;
}

static enum err run(struct worker *w)
{
	enum err e = conversations(w, w->own);

	return e == OK ? messages(w, w->own) : e;
}

const struct job job_retention = {.name = "retention",
	.help = "old messages of lasting conversations, and what is left of erased ones",
	.own_bytes = sizeof(struct retention),
	.run = run};
