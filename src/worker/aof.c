/* Rewriting Redis's append-only file after erasures and changes: see aof.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/span.h"
#include "store/ask.h"
#include "store/keys.h"
#include "worker/aof.h"

/* {b}:aof:dirty counts the notes that something was erased or overwritten; it is there until a rewrite that began after the last of them is well over.
 * {b}:aof:under: a rewrite was begun, by which Redis (its run id) and with how many notes. So whoever looks next, in this worker or another, learns how it ended. */
#define DIRTY "{0}:aof:dirty"
#define REWRITTEN "{0}:aof:rewritten" /* there while the next one must wait */

enum {
	EACH_MS = 60000,    /* design §9: at most one a minute */
	LOOK_MS = 60000,    /* how Redis is set is looked at this often */
	DIRTY_MS = 1000,    /* and whether it is dirty */
	KEEP_MS = 86400000, /* a note that nobody needs goes */
	AT_ONCE = 64,       /* buckets looked at in one go */
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

/* ---- what is to be done ---- */

struct bucket {
	const char *noted, *under; /* "": nothing */
};

static void fill_keys(struct args *args, unsigned b)
{
	args_printf(args, "{%u}:aof:dirty", b);
	args_printf(args, "{%u}:aof:under", b);
	args->keys = 2;
}

static void fill_look(void *ctx, size_t i, struct args *args)
{
	fill_keys(args, *(unsigned *)ctx + (unsigned)i);
}

/* *dirty, *under: of any bucket. */
static enum err look_at_buckets(struct aof *a, struct bucket **buckets, bool *dirty, const char **under)
{
	unsigned n = keys_buckets();
	enum err e = OK;

	*buckets = arena_alloc(&a->w->arena, n * sizeof **buckets);
	*dirty = false;
	*under = "";
	for (unsigned first = 0; first < n; first += AT_ONCE) {
		const struct told *told[AT_ONCE];
		enum err errs[AT_ONCE];
		unsigned some = n - first < AT_ONCE ? n - first : AT_ONCE;
		ask_scripts(a->w->redis, &a->w->arena, "aof_look", fill_look, &first, some, errs, told);
		for (unsigned i = 0; i < some; i++) {
			struct bucket *b = &(*buckets)[first + i];
			if (errs[i] != OK)
				e = errs[i];
			*b = (struct bucket){told_text(told_at(told[i], 1)), told_text(told_at(told[i], 2))};
			*dirty |= *b->noted != '\0';
			if (*b->under)
				*under = b->under;
		}
	}
	return e;
}

/* ---- how Redis is getting on ---- */

enum state { UNDER_WAY, WELL, FAILED };

/* The value of a line of INFO, up to its end. */
static struct span line_of(const char *info, const char *name)
{
	const char *at = strstr(info, name);

	return at ? (struct span){at + strlen(name), strcspn(at + strlen(name), "\r\n")} : (struct span){"", 0};
}

/* under: "<run id> <count>". One that began later counts as well: it took less along. */
static enum err state_of(struct aof *a, const char *under, enum state *out)
{
	const struct told *t = NULL;
	const char *info;
	struct span run;
	enum err e = COMMAND(a, &t, "INFO");

	if (e != OK) {
		*out = WELL; /* it may be forbidden: then nobody knows better */
		return e == ERR_STORE_UNAVAILABLE ? e : OK;
	}
	info = told_text(t);
	run = line_of(info, "\nrun_id:");
	if (span_is(line_of(info, "\naof_rewrite_in_progress:"), "1") || span_is(line_of(info, "\naof_rewrite_scheduled:"), "1"))
		*out = UNDER_WAY;
	else if (strncmp(under, run.at, run.len) != 0 || span_is(line_of(info, "\naof_last_bgrewrite_status:"), "err"))
		*out = FAILED;
	else
		*out = WELL;
	return OK;
}

static enum err run_id(struct aof *a, char *out, size_t room)
{
	const struct told *t = NULL;
	enum err e = COMMAND(a, &t, "INFO", "server");
	struct span run = line_of(told_text(t), "\nrun_id:");

	snprintf(out, room, "%.*s", (int)run.len, run.at);
	return e == ERR_STORE_UNAVAILABLE ? e : OK;
}

/* ---- its end, its beginning ---- */

static enum err settle(struct aof *a, struct bucket *buckets, bool good)
{
	enum err e = OK;

	if (!good)
		log_line(LOG_WARN, "aof.rewrite", NULL);
	for (unsigned b = 0; e == OK && b < keys_buckets(); b++) {
		struct args args;
		if (!*buckets[b].under)
			continue;
		args_init(&args);
		fill_keys(&args, b);
		args_str(&args, buckets[b].under);
		args_str(&args, good ? "1" : "0");
		e = ask_script(a->w->redis, &a->w->arena, "aof_settle", &args, NULL);
	}
	FAILPOINT("aof.settled");
	return e;
}

/* A rewrite takes all of Redis as it is at its start: what is noted from here on needs the next one. */
static enum err note_begun(struct aof *a, const struct bucket *buckets, const char *run)
{
	enum err e = OK;

	for (unsigned b = 0; e == OK && b < keys_buckets(); b++) {
		struct args args;
		if (!*buckets[b].noted)
			continue;
		args_init(&args);
		args_str(&args, "SET");
		args_printf(&args, "{%u}:aof:under", b);
		args_printf(&args, "%s %s", run, buckets[b].noted);
		args_str(&args, "PX");
		args_int(&args, KEEP_MS);
		e = ask_command(a->w->redis, &a->w->arena, &args, NULL);
	}
	return e;
}

static enum err begin(struct aof *a, const struct bucket *buckets)
{
	char run[64];
	enum err e = run_id(a, run, sizeof run);

	FAILPOINT("aof.noted");
	if (e == OK)
		e = COMMAND(a, NULL, "BGREWRITEAOF");
	FAILPOINT("aof.begun");
	switch (e) {
	case OK: worker_count(a->w, "rewrites", 1); return note_begun(a, buckets, run);
	case ERR_CONFLICT: return COMMAND(a, NULL, "DEL", REWRITTEN); /* one is under way that may have begun before the erasure: after it */
	case ERR_INTERNAL: log_line(LOG_WARN, "aof.rewrite", NULL); return OK; /* it may not fork: the next minute again */
	default: return e;
	}
}

enum err aof_rewrite(struct aof *a)
{
	struct bucket *buckets;
	const struct told *t;
	const char *under;
	char ms[24];
	enum state state = WELL;
	bool dirty;
	enum err e;

	look(a);
	if (!a->kept || (a->asked_ms > 0 && clock_mono_ms() - a->asked_ms < DIRTY_MS))
		return OK;
	a->asked_ms = clock_mono_ms();
	e = look_at_buckets(a, &buckets, &dirty, &under);
	if (e == OK && *under) {
		e = state_of(a, under, &state);
		if (e != OK || state == UNDER_WAY)
			return e;
		e = settle(a, buckets, state == WELL);
		if (e == OK)
			e = look_at_buckets(a, &buckets, &dirty, &under);
	}
	if (e != OK || !dirty)
		return e;
	snprintf(ms, sizeof ms, "%d", EACH_MS);
	e = COMMAND(a, &t, "SET", REWRITTEN, "1", "NX", "PX", ms);
	if (e != OK || strcmp(told_text(t), "OK") != 0)
		return e;
	return begin(a, buckets);
}
