/* See jobpool.h. */
#include "base/jobpool.h"

#include "base/clock.h"
#include "base/thread.h"

void jobpool_open(struct jobpool *p, int threads, int most_waiting)
{
	pthread_mutex_lock(&p->lock);
	p->most_threads = threads < 1 ? 1 : threads > JOBPOOL_THREADS_MAX ? JOBPOOL_THREADS_MAX : threads;
	p->most_waiting = most_waiting;
	p->closing = false;
	pthread_mutex_unlock(&p->lock);
}

/* Locked. */
static void count_waiting(struct jobpool *p, int by)
{
	p->waiting += by;
	if (p->waiting_metric)
		metric_set(p->waiting_metric, p->waiting);
}

struct jobpool_job *jobpool_take(struct jobpool *p, bool *late)
{
	struct jobpool_job *j;

	pthread_mutex_lock(&p->lock);
	while (!p->first && !p->closing) {
		p->idle++;
		pthread_cond_wait(&p->news, &p->lock);
		p->idle--;
	}
	j = p->first;
	if (j) {
		p->first = j->next;
		count_waiting(p, -1);
		*late = p->closing || clock_mono_ms() - j->since_ms > p->patience_ms;
	}
	pthread_mutex_unlock(&p->lock);
	return j;
}

/* One more thread when everyone is busy. False: there is none at all. Locked. */
static bool staff(struct jobpool *p)
{
	if (p->idle <= p->waiting && p->threads < p->most_threads && thread_start(&p->thread[p->threads], p->work, NULL) == 0)
		p->threads++;
	return p->threads > 0;
}

enum err jobpool_put(struct jobpool *p, struct jobpool_job *j)
{
	bool taken;

	j->next = NULL;
	j->since_ms = clock_mono_ms();
	pthread_mutex_lock(&p->lock);
	taken = !p->closing && p->waiting < p->most_waiting && staff(p);
	if (taken) {
		if (p->first)
			p->last->next = j;
		else
			p->first = j;
		p->last = j;
		count_waiting(p, 1);
		pthread_cond_signal(&p->news);
	}
	pthread_mutex_unlock(&p->lock);
	return taken ? OK : ERR_STORE_UNAVAILABLE;
}

int jobpool_waiting(struct jobpool *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->waiting;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void jobpool_close(struct jobpool *p)
{
	int threads;

	pthread_mutex_lock(&p->lock);
	p->closing = true;
	threads = p->threads;
	pthread_cond_broadcast(&p->news);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_lock(&p->lock);
	p->threads = 0;
	pthread_mutex_unlock(&p->lock);
}
