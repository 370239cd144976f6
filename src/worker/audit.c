/* The job `audit`: what happened, from the queue that every script appends to ({b}:audit, an item is "<at> <what> <conversation> <side> <position>") into SQL. */
#include <stdio.h>

#include "base/id.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/keys.h"
#include "worker/drain.h"
#include "worker/jobs.h"

#define WORD_MAX 24

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

static enum err run(struct worker *w)
{
	enum err e = OK;

	for (unsigned b = 0; e == OK && b < keys_buckets() && !worker_ending(w); b++)
		e = drain(w, b, "audit", "drained", write_items);
	return e;
}

const struct job job_audit = {.name = "audit", .help = "what happened, without content, from Redis into SQL", .run = run};
