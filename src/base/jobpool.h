/* Threads that take jobs from a queue: the frame of store/dbpool and chat/hashing. They start when there is work for them, and stay.
 *
 *     static void *work(void *unused)
 *     {
 *             struct jobpool_job *j;
 *             bool late;
 *
 *             while ((j = jobpool_take(&pool, &late)) != NULL)
 *                     … do it, or (late) say that nobody did; free it
 *             return NULL;
 *     }
 */
#ifndef BASE_JOBPOOL_H
#define BASE_JOBPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/metrics.h"

#define JOBPOOL_THREADS_MAX 64

/* The first member of what a job is about. */
struct jobpool_job {
	struct jobpool_job *next;
	int64_t since_ms;
};

/* Static, as JOBPOOL makes it; most_threads and most_waiting may be set until the first job is put. */
struct jobpool {
	void *(*work)(void *unused);
	int most_threads, most_waiting; /* most_threads 0: takes no jobs yet */
	int64_t patience_ms;            /* a job that waited longer is late */
	struct metric *waiting_metric;  /* a gauge; NULL: none */

	pthread_mutex_t lock;
	pthread_cond_t news;
	struct jobpool_job *first, *last;
	int waiting, threads, idle;
	bool closing;
	pthread_t thread[JOBPOOL_THREADS_MAX];
};

#define JOBPOOL(...) \
	{ \
		__VA_ARGS__, .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER \
	}

/* How many threads and waiting jobs there may be from now on; a closed one opens again. */
void jobpool_open(struct jobpool *p, int threads, int most_waiting);

/* ERR_STORE_UNAVAILABLE: too many wait, no thread could start, or it is closed: j is still the caller's. Any thread; never blocks. */
enum err jobpool_put(struct jobpool *p, struct jobpool_job *j) MUST_CHECK;

/* On its threads: the next job, which is the caller's now; waits for it. *late: it waited too long, or the pool closes. NULL: it is closed. */
struct jobpool_job *jobpool_take(struct jobpool *p, bool *late);

/* How many wait now. */
int jobpool_waiting(struct jobpool *p);

/* Lets those that run finish, hands out those that wait as late, joins the threads. */
void jobpool_close(struct jobpool *p);

#endif
