/* See hashing.h. Called by api/proof and api/auth. */
#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "chat/call.h"
#include "chat/hashing.h"

struct job {
	struct job *next;
	void (*fn)(void *ctx, bool in_time);
	void *ctx;
	int64_t since;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct job *first, *last;
	int waiting, idle, threads;
	bool closing;
	pthread_t thread[HASHING_THREADS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

/* NULL: the pool closes, and nothing waits. Locked. */
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
		pool.waiting--;
	}
	return j;
}

static void *work(void *unused)
{
	struct job *j;

	(void)unused;
	pthread_mutex_lock(&pool.lock);
	while ((j = next_job())) {
		bool in_time = !pool.closing && clock_mono_ms() - j->since < HASHING_PATIENCE_MS;
		pthread_mutex_unlock(&pool.lock);
		j->fn(j->ctx, in_time);
		free(j);
		pthread_mutex_lock(&pool.lock);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* Signals are for the main thread. Locked. */
static bool start_thread(void)
{
	sigset_t all, old;
	bool good;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	good = pthread_create(&pool.thread[pool.threads], NULL, work, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pool.threads += good;
	return good;
}

enum err hashing_run(void (*fn)(void *ctx, bool in_time), void *ctx)
{
	struct job *j = call_alloc(sizeof *j);
	bool taken;

	*j = (struct job){.fn = fn, .ctx = ctx, .since = clock_mono_ms()};
	pthread_mutex_lock(&pool.lock);
	taken = !pool.closing && pool.waiting < HASHING_MOST;
	if (taken && pool.idle <= pool.waiting && pool.threads < HASHING_THREADS)
		taken = start_thread() || pool.threads > 0;
	if (taken) {
		if (pool.first)
			pool.last->next = j;
		else
			pool.first = j;
		pool.last = j;
		pool.waiting++;
		pthread_cond_signal(&pool.news);
	}
	pthread_mutex_unlock(&pool.lock);
	if (!taken)
		free(j);
	return taken ? OK : ERR_STORE_UNAVAILABLE;
}

void hashing_close(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.closing = true;
	pthread_cond_broadcast(&pool.news);
	pthread_mutex_unlock(&pool.lock);
	for (int i = 0; i < pool.threads; i++)
		pthread_join(pool.thread[i], NULL);
	pool.threads = 0;
}
