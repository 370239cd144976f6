/* Threads with a connection each: see dbpool.h. */
#include "store/dbpool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/jobpool.h"
#include "base/metrics.h"

METRIC_GAUGE(waiting_metric, "room_db_waiting", "Jobs that wait for a connection to the database.");
METRIC_COUNTER(refused_metric, "room_db_refused_total", "Jobs refused because too many waited.");
METRIC_TIME(job_metric, "room_db_job_seconds", "Jobs on the database, without their wait.");

struct job {
	struct jobpool_job queued; /* first */
	void (*fn)(struct db *d, void *ctx);
	void *ctx;
};

static void *work(void *unused);

static struct jobpool pool = JOBPOOL(.work = work, .patience_ms = DB_PATIENCE_MS, .waiting_metric = &waiting_metric);

void dbpool_open(int threads, int most_waiting)
{
	jobpool_open(&pool, threads, most_waiting);
}

static void *work(void *unused)
{
	struct db *d = NULL;
	struct job *j;
	bool late;

	while ((j = (struct job *)jobpool_take(&pool, &late)) != NULL) {
		int64_t start;
		if (!late && !d && db_new(&d, NULL, DB_PATIENCE_MS) != OK)
			d = NULL;
		start = clock_mono_ms();
		j->fn(late ? NULL : d, j->ctx);
		metric_observe_us(&job_metric, (clock_mono_ms() - start) * 1000);
		free(j);
	}
	db_free(d);
	return unused;
}

enum err dbpool_run(void (*fn)(struct db *d, void *ctx), void *ctx)
{
	struct job *j = malloc(sizeof *j);
	enum err e;

	if (!j)
		abort();
	*j = (struct job){.fn = fn, .ctx = ctx};
	e = jobpool_put(&pool, &j->queued);
	if (e != OK) {
		metric_add(&refused_metric, 1);
		free(j);
	}
	return e;
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
	return jobpool_waiting(&pool);
}

void dbpool_close(void)
{
	jobpool_close(&pool);
}
