/* See crew.h. Used by the handlers of files. */
#include "base/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { STACK_BYTES = 512 * 1024 };

struct errand {
	void (*fn)(void *ctx);
	void *ctx;
};

static atomic_int at_work;

static void *run(void *arg)
{
	struct errand errand = *(struct errand *)arg;

	free(arg);
	errand.fn(errand.ctx);
	atomic_fetch_sub(&at_work, 1);
	return NULL;
}

enum err crew_run(void (*fn)(void *ctx), void *ctx)
{
	struct errand *errand = malloc(sizeof *errand);
	pthread_attr_t how;
	pthread_t thread;
	bool good;

	if (!errand)
		abort();
	*errand = (struct errand){fn, ctx};
	good = atomic_fetch_add(&at_work, 1) < CREW_MOST && pthread_attr_init(&how) == 0;
	if (good) {
		pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&how, STACK_BYTES);
		good = pthread_create(&thread, &how, run, errand) == 0;
		pthread_attr_destroy(&how);
	}
	if (good)
		return OK;
	atomic_fetch_sub(&at_work, 1);
	free(errand);
	return ERR_STORE_UNAVAILABLE;
}

int crew_busy(void)
{
	return atomic_load(&at_work);
}
