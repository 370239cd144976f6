/* See keeping.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/seal.h"
#include "chat/summary.h"
#include "store/ask.h"
#include "store/keys.h"
#include "store/summaries.h"
#include "worker/keeping.h"
#include "worker/tell.h"

enum {
	EACH_MS = 600000,
	SCRUB_AGAIN_MS = 60000, /* a reader was in the way */
	BATCH = 200,
	FORGOTTEN_MS = SUMMARY_HOUR_MS + 600000, /* its hour is over, and the last one to try as well */
};

int64_t keeping_until(int64_t asked_at)
{
	return asked_at + config_number("ROOM_SUMMARY_DAYS") * 86400000;
}

enum err keeping_tell(struct db *d, const struct keeping_news *n, int64_t now)
{
	json_t *data = json_pack("{s:s, s:I, s:I, s:I}", "sessionId", n->conversation, "createdAt", (json_int_t)n->session_at, "requestedAt",
		(json_int_t)n->asked_at, "at", (json_int_t)now);
	struct tell_item t = {.type = n->why ? "summary.failed" : "summary.ready",
		.conversation = n->conversation,
		.request_id = n->request_id,
		.key_ms = n->asked_at,
		.at_ms = now};
	enum err e;

	if (!data)
		abort();
	if (n->why)
		json_object_set_new(data, "why", json_string(n->why));
	e = tell_item(d, &t, data);
	json_decref(data);
	return e;
}

struct giving_up {
	struct worker *w;
	int64_t now;
	struct summary_row *rows;
	int count;
};

static enum err give_up(struct db *d, void *ctx)
{
	struct giving_up *g = ctx;
	enum err e = summaries_abandon(d, &g->w->arena, g->now - FORGOTTEN_MS, g->now, BATCH, &g->rows, &g->count);

	for (int i = 0; e == OK && i < g->count; i++)
		e = keeping_tell(d,
			&(struct keeping_news){.conversation = g->rows[i].conversation,
				.why = "ABANDONED",
				.session_at = g->rows[i].session_at,
				.asked_at = g->rows[i].created_at},
			g->now);
	return e;
}

static void fill_abandoned(void *ctx, size_t i, struct args *args)
{
	const struct summary_row *rows = ctx;

	keys_conversation(args, rows[i].conversation);
	args_str(args, rows[i].counselor);
	args_int(args, rows[i].created_at);
}

/* Desks and readers, who are told of what passes: whoever misses it finds the row. */
static enum err tell_readers(struct giving_up *g)
{
	const struct told *told[BATCH];
	enum err errs[BATCH], e = OK;

	ask_scripts(g->w->redis, &g->w->arena, "summary_abandoned", fill_abandoned, g->rows, (size_t)g->count, errs, told);
	for (int i = 0; i < g->count; i++)
		if (errs[i] != OK)
			e = errs[i];
	return e;
}

static enum err prune(struct worker *w, struct keeping *k)
{
	int64_t erased = 0;
	enum err e = summaries_prune(w->db, clock_now_ms(), BATCH, &erased);

	FAILPOINT("summary.prune");
	worker_count(w, "pruned", erased);
	k->scrub |= erased > 0 || k->next_ms == 0; /* at first in any case: whoever was here before may have died before it */
	if (erased == BATCH)
		w->more = true;
	return e;
}

/* A key was put in front of ROOM_KEYS. */
static enum err reseal(struct worker *w, struct keeping *k)
{
	int64_t done = 0, lost = 0;
	enum err e = seal_ready() ? summaries_reseal(w->db, BATCH, &done, &lost) : OK;

	FAILPOINT("summary.resealed");
	worker_count(w, "resealed", done);
	k->scrub |= done > 0; /* what the old key opens */
	if (lost > 0)
		log_line(LOG_ERROR, "summary.no_key", "i:documents", lost, NULL);
	if (done == BATCH)
		w->more = true;
	return e;
}

enum err keeping_round(struct worker *w)
{
	struct keeping *k = w->own;
	struct giving_up g = {.w = w, .now = clock_now_ms()};
	bool more = w->more;
	enum err e;

	if (clock_mono_ms() < k->next_ms)
		return OK;
	w->more = false;
	e = prune(w, k);
	if (e == OK)
		e = db_write(w->db, give_up, &g);
	FAILPOINT("summary.given_up");
	worker_count(w, "abandoned", e == OK ? g.count : 0);
	if (e == OK)
		e = tell_readers(&g);
	if (e == OK)
		e = reseal(w, k);
	if (e == OK && k->scrub)
		k->scrub = db_scrub(w->db, "summaries") != OK;
	if (e == OK && !w->more)
		k->next_ms = clock_mono_ms() + (k->scrub ? SCRUB_AGAIN_MS : EACH_MS);
	w->more |= more;
	return e;
}
