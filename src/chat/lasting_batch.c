/* The queue of what is to be written to lasting conversations, and the transactions that write it, many at a time: see lasting.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "chat/announce.h"
#include "chat/call.h"
#include "chat/lasting.h"
#include "chat/spent.h"
#include "store/dbpool.h"

#define BATCH_MOST 64
#define WAITING_MOST 4096

METRIC_COUNTER(batches, "room_lasting_batches_total", "Transactions that wrote to lasting conversations.");
METRIC_COUNTER(written, "room_lasting_writes_total", "Sends, edits, deletions and marks in them.");
METRIC_TIME(batch_time, "room_lasting_batch_seconds", "Such a transaction, its commit included.");

static struct {
	pthread_mutex_t lock;
	struct work *first, **end;
	int waiting, running, most_running;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue.first, .most_running = 1};

struct batch {
	struct arena arena;
	struct work *work[BATCH_MOST]; /* by conversation, then as they came */
	int count;
	struct group *groups[BATCH_MOST];
	const char **members[BATCH_MOST]; /* of groups */
	int member_count[BATCH_MOST];
	int group_count;
	struct spent *spent; /* outbox rows that go with this transaction */
};

struct work *work_new(enum work_kind kind, const struct ticket *by, void (*answer)(struct work *w), void *ctx)
{
	struct work *w = call_alloc(sizeof *w);

	arena_init(&w->arena);
	w->kind = kind;
	w->by = *by;
	w->answer = answer;
	w->ctx = ctx;
	return w;
}

static void finish(struct work *w)
{
	w->answer(w);
	arena_done(&w->arena);
	free(w);
}

static void finish_with(struct work *w, enum err e)
{
	w->out = (struct outcome){.err = e};
	finish(w);
}

/* ---- the transaction ---- */

static bool same_place(const struct work *a, const struct work *b)
{
	return strcmp(a->by.conversation, b->by.conversation) == 0;
}

/* Conversations in the order of their ids, so that two transactions never wait for each other; within one as they came. */
static void sort(struct batch *b)
{
	for (int i = 1; i < b->count; i++)
		for (int k = i; k > 0 && strcmp(b->work[k - 1]->by.conversation, b->work[k]->by.conversation) > 0; k--) {
			struct work *w = b->work[k];
			b->work[k] = b->work[k - 1];
			b->work[k - 1] = w;
		}
}

static enum err settle(struct group *g)
{
	struct buf own;
	char next = '{';
	enum err e;

	if (!g->changed)
		return OK;
	buf_init(&own, 64 * 1024);
	for (const struct speaker *s = g->speakers; s; s = s->next)
		if (s->counted || s->own) {
			buf_printf(&own, "%c\"%s\":[%lld,\"%s\"]", next, s->me.participant, (long long)s->own, s->me.rate);
			next = ',';
		}
	buf_str(&own, next == '{' ? "{}" : "}");
	e = buf_ok(&own) ? entries_settle(g->d, &g->c, g->from, g->messages, own.data) : ERR_INTERNAL;
	buf_done(&own);
	return e;
}

static enum err read_members(struct batch *b, struct group *g)
{
	int i = b->group_count;

	b->groups[b->group_count++] = g;
	b->members[i] = NULL;
	b->member_count[i] = 0;
	if (!g->changed || !announce_possible())
		return OK;
	return conversations_ids(g->d, g->arena, g->c.n, ANNOUNCE_FEEDS + 1, &b->members[i], &b->member_count[i]);
}

/* All work on the conversation of work[from], up to work[to - 1]. */
static enum err do_group(struct db *d, struct batch *b, int from, int to)
{
	struct group *g = arena_alloc(&b->arena, sizeof *g);
	enum err e;

	*g = (struct group){.d = d, .arena = &b->arena};
	e = conversations_lock(d, &b->arena, b->work[from]->by.conversation, NULL, &g->c);
	if (e == ERR_NOT_FOUND) {
		for (int i = from; i < to; i++)
			b->work[i]->out.err = ERR_NOT_FOUND;
		return OK;
	}
	g->from = g->c.length;
	/* Who waited for the lock, or whose clock is behind: times don't go back along a log. */
	g->now = clock_now_ms();
	g->at = g->now > g->c.last_at ? g->now : g->c.last_at;
	if (e == OK)
		e = work_prepare(g, b->work + from, to - from);
	for (int i = from; i < to && e == OK; i++)
		if (b->work[i]->kind != WORK_MARK)
			e = work_do(g, b->work[i]);
	if (e == OK)
		e = settle(g);
	for (int i = from; i < to && e == OK; i++)
		if (b->work[i]->kind == WORK_MARK)
			e = work_mark(g, b->work[i]);
	return e == OK ? read_members(b, g) : e;
}

static enum err do_all(struct db *d, void *ctx)
{
	struct batch *b = ctx;
	enum err e = OK;

	arena_done(&b->arena);
	b->group_count = 0;
	for (int i = 0; i < b->count; i++)
		b->work[i]->out = (struct outcome){0};
	for (int from = 0, to; from < b->count && e == OK; from = to) {
		for (to = from + 1; to < b->count && same_place(b->work[from], b->work[to]);)
			to++;
		e = do_group(d, b, from, to);
	}
	return e == OK ? spent_write(d, b->spent) : e;
}

static void announce_groups(struct batch *b)
{
	for (int i = 0; i < b->group_count; i++) {
		const struct group *g = b->groups[i];
		struct announced a = {
			.conversation = g->c.id,
			.lines = g->lines,
			.line_count = g->line_count,
			.members = b->members[i],
			.member_count = b->member_count[i],
		};
		struct buf actors;
		if (!g->changed || !a.members) /* without Redis it waits in the outbox */
			continue;
		buf_init(&actors, 64 * 1024);
		for (const struct speaker *s = g->speakers; s; s = s->next)
			buf_printf(&actors, "%s %s\n", s->me.participant, s->me.role);
		a.actors = buf_ok(&actors) && actors.data ? actors.data : "";
		announce_lines(&a);
		buf_done(&actors);
	}
}

/* Runs the batch; answers all of it, unless it failed for a reason that may be one item's alone (then false: nothing happened). */
static bool run(struct db *d, struct batch *b)
{
	int64_t since = clock_mono_ms();
	enum err e = db_write(d, do_all, b);

	metric_observe_us(&batch_time, (clock_mono_ms() - since) * 1000);
	metric_add(&batches, 1);
	if (e == OK) {
		FAILPOINT("lasting.committed");
		metric_add(&written, b->count);
		announce_groups(b);
	} else {
		log_line(LOG_WARN, "lasting.write", "s:why", db_why(d), "i:count", (int64_t)b->count, NULL);
		if (e != ERR_STORE_UNAVAILABLE && b->count > 1)
			return false;
	}
	for (int i = 0; i < b->count; i++) {
		if (e != OK)
			b->work[i]->out = (struct outcome){.err = e == ERR_STORE_UNAVAILABLE ? e : ERR_INTERNAL};
		finish(b->work[i]);
	}
	spent_written(b->spent, e == OK);
	return true;
}

/* One that fails must not take the others with it: each in a transaction of its own. */
static void run_apart(struct db *d, struct batch *b)
{
	spent_written(b->spent, false);
	for (int i = 0; i < b->count; i++) {
		struct batch one = {.work = {b->work[i]}, .count = 1};
		arena_init(&one.arena);
		run(d, &one);
		arena_done(&one.arena);
	}
}

/* ---- the queue ---- */

static void take(struct batch *b)
{
	pthread_mutex_lock(&queue.lock);
	while (b->count < BATCH_MOST && queue.first) {
		b->work[b->count++] = queue.first;
		queue.first = queue.first->next;
		queue.waiting--;
	}
	if (!queue.first)
		queue.end = &queue.first;
	pthread_mutex_unlock(&queue.lock);
}

static void drop_late(struct batch *b, bool all)
{
	int64_t before = clock_mono_ms() - DB_PATIENCE_MS;
	int left = 0;

	for (int i = 0; i < b->count; i++)
		if (all || b->work[i]->since_ms < before)
			finish_with(b->work[i], ERR_STORE_UNAVAILABLE);
		else
			b->work[left++] = b->work[i];
	b->count = left;
}

/* One thread's turn is over: another turn if there is work left. */
static bool pass_on(void (*fn)(struct db *d, void *ctx))
{
	bool more;

	pthread_mutex_lock(&queue.lock);
	more = queue.first != NULL;
	if (!more)
		queue.running--;
	pthread_mutex_unlock(&queue.lock);
	return more && dbpool_run(fn, NULL) != OK;
}

static void work_through(struct db *d, void *ctx)
{
	if (d && db_is_postgres(d)) {
		/* Rows are locked, not the whole database: two conversations can be committed at the same time. */
		pthread_mutex_lock(&queue.lock);
		queue.most_running = (int)config_number("ROOM_DB_THREADS") / 2 > 1 ? (int)config_number("ROOM_DB_THREADS") / 2 : 1;
		pthread_mutex_unlock(&queue.lock);
	}
	do {
		struct batch b = {0};
		arena_init(&b.arena);
		take(&b);
		drop_late(&b, d == NULL);
		sort(&b);
		if (b.count > 0) {
			b.spent = spent_take();
			if (!run(d, &b))
				run_apart(d, &b);
		}
		arena_done(&b.arena);
	} while (pass_on(work_through));
	(void)ctx;
}

void work_submit(struct work *w)
{
	bool start, taken;

	w->since_ms = clock_mono_ms();
	w->next = NULL;
	pthread_mutex_lock(&queue.lock);
	taken = queue.waiting < WAITING_MOST;
	start = taken && queue.running < queue.most_running;
	if (taken) {
		*queue.end = w;
		queue.end = &w->next;
		queue.waiting++;
		queue.running += start;
	}
	pthread_mutex_unlock(&queue.lock);
	if (!taken) {
		finish_with(w, ERR_STORE_UNAVAILABLE);
	} else if (start && dbpool_run(work_through, NULL) != OK) {
		/* No thread for it: nobody may come to fetch what waits. */
		work_through(NULL, NULL);
	}
}
