/* Rewriting Redis's append-only file after erasures: see aof.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/ask.h"
#include "worker/aof.h"

#define DIRTY "{0}:aof:dirty"         /* counts the notes that something was erased; there until a rewrite began after the last of them */
#define REWRITTEN "{0}:aof:rewritten" /* there while the next one must wait */

enum {
	EACH_MS = 60000,    /* design §9: at most one a minute */
	LOOK_MS = 60000,    /* how Redis is set is looked at this often */
	DIRTY_MS = 1000,    /* and whether it is dirty */
	KEEP_MS = 86400000, /* a note that nobody needs goes */
};

struct aof {
	struct worker *w;
	int64_t looked_ms, asked_ms; /* clock_mono_ms; 0: never */
	bool kept;
};

struct aof *aof_new(struct worker *w)
{
	struct aof *a = calloc(1, sizeof *a);

	if (!a)
		abort();
	a->w = w;
	return a;
}

void aof_free(struct aof *a)
{
	free(a);
}

/* Words up to a NULL. */
static enum err command(struct aof *a, const struct told **out, const char *const *words)
{
	struct args args;

	args_init(&args);
	for (; *words; words++)
		args_str(&args, *words);
	return ask_command(a->w->redis, &a->w->arena, &args, out);
}

#define COMMAND(a, out, ...) command(a, out, (const char *const[]){__VA_ARGS__, NULL})

/* On a disk or in memory: erased means gone from there, too. A Redis that does not say how it is set is taken for one that keeps such a file. */
static void look(struct aof *a)
{
	const struct told *on = NULL;
	enum err e;

	if (a->looked_ms > 0 && clock_mono_ms() - a->looked_ms < LOOK_MS)
		return;
	e = COMMAND(a, &on, "CONFIG", "GET", "appendonly");
	if (e == ERR_STORE_UNAVAILABLE)
		return;
	a->kept = e != OK || strcmp(told_text(told_at(on, 1)), "yes") == 0;
	a->looked_ms = clock_mono_ms();
}

void aof_dirty(struct aof *a)
{
	char ms[24];

	look(a);
	if (!a->kept)
		return;
	snprintf(ms, sizeof ms, "%d", KEEP_MS);
	if (COMMAND(a, NULL, "INCR", DIRTY) != OK || COMMAND(a, NULL, "PEXPIRE", DIRTY, ms) != OK)
		log_line(LOG_WARN, "aof.dirty", NULL);
	a->asked_ms = 0;
}

/* A rewrite takes all of Redis as it is at its start: what is noted from here on needs the next one. */
static enum err clean(struct aof *a, const char *noted)
{
	struct args args;

	args_init(&args);
	args_str(&args, DIRTY);
	args.keys = 1;
	args_str(&args, noted);
	return ask_script(a->w->redis, &a->w->arena, "aof_clean", &args, NULL);
}

static enum err begin(struct aof *a, const char *noted)
{
	enum err e = COMMAND(a, NULL, "BGREWRITEAOF");

	switch (e) {
	case OK: worker_count(a->w, "rewrites", 1); return clean(a, noted);
	case ERR_CONFLICT: return COMMAND(a, NULL, "DEL", REWRITTEN); /* one is under way that may have begun before the erasure: after it */
	case ERR_INTERNAL: log_line(LOG_WARN, "aof.rewrite", NULL); return OK; /* it may not fork: the next minute again */
	default: return e;
	}
}

enum err aof_rewrite(struct aof *a)
{
	const struct told *noted, *t;
	char ms[24];
	enum err e;

	look(a);
	if (!a->kept || (a->asked_ms > 0 && clock_mono_ms() - a->asked_ms < DIRTY_MS))
		return OK;
	a->asked_ms = clock_mono_ms();
	e = COMMAND(a, &noted, "GET", DIRTY);
	if (e != OK || told_len(noted) == 0)
		return e;
	snprintf(ms, sizeof ms, "%d", EACH_MS);
	e = COMMAND(a, &t, "SET", REWRITTEN, "1", "NX", "PX", ms);
	if (e != OK || strcmp(told_text(t), "OK") != 0)
		return e;
	return begin(a, told_text(noted));
}
