/* See thread.h. */
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *out, void *(*fn)(void *ctx), void *ctx)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(out, NULL, fn, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}
