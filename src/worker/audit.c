/* The job `audit`: what happened, from the queue that every script appends to ({b}:audit, an item is "<at> <what> <conversation> <side> <position>") into SQL. */
#include <stdio.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "worker/audit.h"
#include "worker/drain.h"
#include "worker/jobs.h"

#define WORD_MAX 24

enum {
	PRUNE_EACH_MS = 600000,
	PRUNE_BATCH = 1000,
	QUEUE_MOST = 101000, /* AUDIT_MOST and what it may be exceeded by, of store/lua/_conversation.lua */
};

struct words {
	char what[WORD_MAX + 1], conversation[ID_MAX + 1], side[WORD_MAX + 1];
};

/* False: not an item of ours. */
static bool parse(struct audit_item *out, struct words *words, const char *item)
{
	long long at, position;
	int end = 0;

	if (sscanf(item, "%lld %24s %64s %24s %lld%n", &at, words->what, words->conversation, words->side, &position, &end) != 5 || item[end])
		return false;
	*out = (struct audit_item){at, words->what, words->conversation, words->side, position};
	return true;
}

static enum err write_items(struct worker *w, const char *const *items, int count)
{
	struct audit_item *rows = arena_alloc(&w->arena, (size_t)count * sizeof *rows);
	struct words *words = arena_alloc(&w->arena, (size_t)count * sizeof *words);
	int good = 0;

	for (int i = 0; i < count; i++)
		if (parse(&rows[good], &words[good], items[i]))
			good++;
	if (good < count)
		log_line(LOG_ERROR, "audit.strange", "i:items", (int64_t)(count - good), NULL);
	return audit_add(w->db, rows, good);
}

enum err audit_drain(struct worker *w, unsigned bucket)
{
	bool more = w->more;
	enum err e;

	/* Who goes on writing while we read does not keep us: behind so many items stands only what came later. */
	for (int left = QUEUE_MOST / DRAIN_BATCH + 1;; left--) {
		w->more = false;
		e = drain(w, bucket, "audit", "drained", write_items);
		if (e != OK || !w->more || left == 0)
			break;
	}
	w->more = more;
	return e;
}

/* What is older than ROOM_KEEP_DAYS goes, ledger and audit. */
static enum err prune(struct worker *w)
{
	int64_t *pruned_ms = w->own, before = clock_now_ms() - config_number("ROOM_KEEP_DAYS") * 86400000, n = 0, m = 0;
	enum err e;

	if (*pruned_ms > 0 && clock_mono_ms() - *pruned_ms < PRUNE_EACH_MS)
		return OK;
	e = audit_prune(w->db, before, PRUNE_BATCH, &n);
	if (e == OK)
		e = ledger_prune(w->db, before, PRUNE_BATCH, &m);
	if (e != OK)
		return e;
	worker_count(w, "pruned", n + m);
	if (n == PRUNE_BATCH || m == PRUNE_BATCH)
		w->more = true;
	else
		*pruned_ms = clock_mono_ms();
	return OK;
}

static enum err run(struct worker *w)
{
	enum err e = OK;

	for (unsigned b = 0; e == OK && b < keys_buckets() && !worker_ending(w); b++)
		e = drain(w, b, "audit", "drained", write_items);
	return e == OK && !w->closing ? prune(w) : e;
}

const struct job job_audit = {.name = "audit",
	.help = "what happened, without content, from Redis into SQL",
	.own_bytes = sizeof(int64_t),
	.at_end = true,
	.run = run};
