/* The worker's frame: threads, connections, rounds, pauses. See worker.h. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "base/log.h"
#include "base/thread.h"
#include "worker/worker.h"

enum {
	GRACE_MS = 2000,
	PAUSE_MOST_MS = 5000, /* after failures in a row */
	JOBS_MOST = 32,
};

struct thread {
	pthread_t id;
	bool started;
	struct worker worker;
	enum worker_outcome outcome;
	int64_t until_ms; /* clock_mono_ms; 0: no end */
	atomic_bool *ended;
};

void worker_count(struct worker *w, const char *name, int64_t n)
{
	for (int i = 0; i < WORKER_COUNTS; i++) {
		if (w->counts[i].name && strcmp(w->counts[i].name, name) != 0)
			continue;
		w->counts[i].name = name;
		w->counts[i].n += n;
		return;
	}
	abort(); /* too many words: a mistake of the job's */
}

bool worker_ending(const struct worker *w)
{
	return atomic_load(&w->run->stopping) && !w->closing;
}

bool worker_wait(struct worker *w, int64_t ms)
{
	struct pollfd p = {.fd = w->run->wake, .events = POLLIN};

	if (ms > 0 && !worker_ending(w))
		poll(&p, 1, (int)ms);
	return worker_ending(w);
}

void worker_stop(struct worker_run *run)
{
	uint64_t one = 1;
	ssize_t n;

	atomic_store(&run->stopping, true);
	n = write(run->wake, &one, sizeof one);
	(void)n;
}

/* ---- a job's thread ---- */

static enum worker_outcome begin(struct worker *w)
{
	enum err e;

	arena_init(&w->arena);
	if (redis_new(&w->redis, config_text("ROOM_REDIS")) != OK) {
		w->why = "ROOM_REDIS: no address I understand";
		return WORKER_MISSET;
	}
	redis_start(w->redis);
	if (db_new(&w->db, NULL, DB_PATIENCE_MS) != OK) {
		w->why = "ROOM_DB: neither sqlite:<path> nor postgres://<address>";
		return WORKER_MISSET;
	}
	caller_init(&w->caller, w->redis);
	if (w->job->own_bytes > 0 && (w->own = calloc(1, w->job->own_bytes)) == NULL)
		abort();
	e = w->job->open ? w->job->open(w, &w->why) : OK;
	w->off = e == ERR_NOT_FOUND;
	return e == OK || w->off ? WORKER_FINE : WORKER_MISSET;
}

static void end(struct worker *w, bool opened)
{
	if (opened && w->job->close)
		w->job->close(w);
	if (w->job->own_bytes > 0)
		free(w->own);
	if (w->caller.pool)
		caller_done(&w->caller);
	db_free(w->db);
	redis_free(w->redis);
	arena_done(&w->arena);
}

static void note_failure(struct worker *w, enum err e)
{
	const char *why = db_why(w->db);

	w->failures++;
	/* The first of a row says it; the line at the end has the number. */
	if (w->last == OK)
		log_line(LOG_WARN, "worker.failed", "s:job", w->job->name, "s:code", err_row(e)->code, "s:database", why ? why : "", NULL);
}

/* 500 ms, doubled by each failure in a row; a tenth of it off at random, so that workers don't march in step. */
static int64_t pause_after(const struct worker *w, int row)
{
	int64_t ms = w->pause_ms;
	unsigned char random;

	for (int i = 0; i < row && ms < PAUSE_MOST_MS; i++)
		ms *= 2;
	if (row > 0 && ms > PAUSE_MOST_MS)
		ms = PAUSE_MOST_MS;
	id_random(&random, sizeof random);
	return ms - ms / 10 * random / 256;
}

static enum err one_round(struct worker *w)
{
	enum err e;

	w->more = false;
	w->pause_ms = WORKER_PAUSE_MS;
	e = w->job->run(w);
	w->rounds++;
	arena_done(&w->arena);
	arena_init(&w->arena);
	if (e != OK)
		note_failure(w, e);
	w->last = e;
	return e;
}

static void rounds(struct worker *w, int64_t until_ms)
{
	int row = 0;

	for (;;) {
		int64_t left = 0, pause;
		enum err e = one_round(w);

		row = e == OK ? 0 : row + 1;
		if (worker_ending(w) || (w->once && (e != OK || !w->more)))
			return;
		if (until_ms > 0 && (left = until_ms - clock_mono_ms()) <= 0)
			return;
		if (e == OK && w->more)
			continue;
		pause = pause_after(w, row);
		if (worker_wait(w, until_ms > 0 && left < pause ? left : pause))
			return;
	}
}

static void round_at_end(struct worker *w)
{
	if (!w->job->at_end || !worker_ending(w))
		return;
	w->closing = true;
	while (one_round(w) == OK && w->more)
		;
}

static enum worker_outcome outcome_of(const struct worker *w)
{
	if (w->last == ERR_STORE_UNAVAILABLE)
		return WORKER_NO_STORE;
	return w->last == OK ? WORKER_FINE : WORKER_FAILED;
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct worker *w = &t->worker;
	bool opened;

	t->outcome = begin(w);
	opened = t->outcome == WORKER_FINE && !w->off;
	if (opened) {
		rounds(w, t->until_ms);
		round_at_end(w);
		t->outcome = outcome_of(w);
	}
	end(w, opened);
	atomic_store(t->ended, true);
	return NULL;
}

/* ---- all of them ---- */

static bool all_ended(const atomic_bool *ended, int count)
{
	for (int i = 0; i < count; i++)
		if (!atomic_load(&ended[i]))
			return false;
	return true;
}

static void wait_all(struct worker_run *run, const atomic_bool *ended)
{
	int64_t stopped = 0;

	while (!all_ended(ended, run->count)) {
		if (atomic_load(&run->stopping) && stopped == 0)
			stopped = clock_mono_ms();
		if (stopped > 0 && clock_mono_ms() - stopped > GRACE_MS)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

static void start(struct thread *t)
{
	t->started = thread_start(&t->id, work, t) == 0;
	if (!t->started) {
		t->outcome = WORKER_FAILED;
		atomic_store(t->ended, true);
	}
}

enum worker_outcome worker_run(struct worker_run *run, bool *cut)
{
	static struct thread threads[JOBS_MOST]; /* static: those that are cut still use them */
	static atomic_bool ended[JOBS_MOST];
	int64_t until = run->seconds > 0 && !run->once ? clock_mono_ms() + run->seconds * 1000 : 0;
	enum worker_outcome worst = WORKER_FINE;

	if (run->count > JOBS_MOST)
		abort();
	for (int i = 0; i < run->count; i++) {
		atomic_store(&ended[i], false);
		threads[i] = (struct thread){.worker = {.job = run->jobs[i], .run = run, .once = run->once}, .until_ms = until, .ended = &ended[i]};
		start(&threads[i]);
	}
	wait_all(run, ended);
	*cut = !all_ended(ended, run->count);
	for (int i = 0; i < run->count; i++) {
		if (!atomic_load(&ended[i]))
			continue;
		if (threads[i].started)
			pthread_join(threads[i].id, NULL);
		if (threads[i].outcome != WORKER_FINE && (worst == WORKER_FINE || threads[i].outcome == WORKER_MISSET))
			worst = threads[i].outcome;
		run->line(&threads[i].worker);
	}
	return worst;
}
