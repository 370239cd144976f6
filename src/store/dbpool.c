/* Threads with a connection each: see dbpool.h. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "store/dbpool.h"

#define THREADS_MAX 64

METRIC_GAUGE(waiting_metric, "room_db_waiting", "Jobs that wait for a connection to the database.");
METRIC_COUNTER(refused_metric, "room_db_refused_total", "Jobs refused because too many waited.");
METRIC_TIME(job_metric, "room_db_job_seconds", "Jobs on the database, without their wait.");

struct job {
	struct job *next;
	void (*fn)(struct db *d, void *ctx);
	void *ctx;
	int64_t since_ms;
};

static struct pool {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct job *first, **last;
	int waiting, most_waiting;
	int threads, idle, most_threads;
	bool closing;
	pthread_t thread[THREADS_MAX];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

void dbpool_open(int threads, int most_waiting)
{
	pthread_mutex_lock(&pool.lock);
	pool.most_threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
	pool.most_waiting = most_waiting;
	pool.first = NULL;
	pool.last = &pool.first;
	pool.closing = false;
	pthread_mutex_unlock(&pool.lock);
}

/* The next job; NULL: the pool closes and nothing waits. Locked. */
static struct job *next_job(void)
{
	struct job *j;

	while (!pool.first && !pool.closing) {
		pool.idle++;
		pthread_cond_wait(&pool.news, &pool.lock);
		pool.idle--;
	}
	j = pool.first;
	if (j) {
		pool.first = j->next;
		if (!pool.first)
			pool.last = &pool.first;
		metric_set(&waiting_metric, --pool.waiting);
	}
	return j;
}

/* Locked. */
static void put_job(struct job *j)
{
	*pool.last = j;
	pool.last = &j->next;
	metric_set(&waiting_metric, ++pool.waiting);
}

static void *work(void *unused)
{
	struct db *d = NULL;
	struct job *j;

	pthread_mutex_lock(&pool.lock);
	while ((j = next_job()) != NULL) {
		bool late = pool.closing || clock_mono_ms() - j->since_ms > DB_PATIENCE_MS;
		int64_t start;
		pthread_mutex_unlock(&pool.lock);
		if (!late && !d && db_new(&d, NULL, DB_PATIENCE_MS) != OK)
			d = NULL;
		start = clock_mono_ms();
		j->fn(late ? NULL : d, j->ctx);
		metric_observe_us(&job_metric, (clock_mono_ms() - start) * 1000);
		free(j);
		pthread_mutex_lock(&pool.lock);
	}
	pthread_mutex_unlock(&pool.lock);
	db_free(d);
	return unused;
}

/* One more thread when everyone is busy. Signals stay with the threads that expect them. Locked. */
static bool start_thread(void)
{
	sigset_t all, before;
	bool good;

	if (pool.idle > pool.waiting || pool.threads == pool.most_threads)
		return pool.threads > 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	good = pthread_create(&pool.thread[pool.threads], NULL, work, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (good)
		pool.threads++;
	return pool.threads > 0;
}

enum err dbpool_run(void (*fn)(struct db *d, void *ctx), void *ctx)
{
	struct job *j = malloc(sizeof *j);
	bool taken;

	if (!j)
		abort();
	*j = (struct job){.fn = fn, .ctx = ctx, .since_ms = clock_mono_ms()};
	pthread_mutex_lock(&pool.lock);
	taken = pool.last && !pool.closing && pool.waiting < pool.most_waiting && start_thread();
	if (taken) {
		put_job(j);
		pthread_cond_signal(&pool.news);
	}
	pthread_mutex_unlock(&pool.lock);
	if (taken)
		return OK;
	metric_add(&refused_metric, 1);
	free(j);
	return ERR_STORE_UNAVAILABLE;
}

struct waiting {
	enum err (*fn)(struct db *d, void *ctx);
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
	enum err err;
};

static void run_for(struct db *d, void *ctx)
{
	struct waiting *w = ctx;
	enum err e = d ? w->fn(d, w->ctx) : ERR_STORE_UNAVAILABLE;

	pthread_mutex_lock(&w->lock);
	w->err = e;
	w->done = true;
	pthread_cond_signal(&w->over);
	pthread_mutex_unlock(&w->lock);
}

enum err dbpool_wait(enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	struct waiting w = {.fn = fn, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
	enum err e = dbpool_run(run_for, &w);

	if (e != OK)
		return e;
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.over, &w.lock);
	pthread_mutex_unlock(&w.lock);
	return w.err;
}

int dbpool_waiting(void)
{
	int n;

	pthread_mutex_lock(&pool.lock);
	n = pool.waiting;
	pthread_mutex_unlock(&pool.lock);
	return n;
}

void dbpool_close(void)
{
	int threads;

	pthread_mutex_lock(&pool.lock);
	pool.closing = true;
	threads = pool.threads;
	pthread_cond_broadcast(&pool.news);
	pthread_mutex_unlock(&pool.lock);
	for (int i = 0; i < threads; i++)
		pthread_join(pool.thread[i], NULL);
	pthread_mutex_lock(&pool.lock);
	pool.threads = 0;
	pthread_mutex_unlock(&pool.lock);
}
