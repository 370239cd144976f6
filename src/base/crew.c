/* See crew.h. Used by the handlers of files. */
#include "base/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 512 * 1024 };

struct errand {
	void (*fn)(void *ctx);
	void *ctx;
	char name[CREW_NAME_MAX + 1]; /* "": nobody's */
	struct errand *next;          /* of those that are somebody's */
};

static atomic_int at_work;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct errand *owned;

/* Among those that are at work, if there are fewer than most of that name. */
static bool enter(struct errand *errand, int most)
{
	pthread_mutex_lock(&lock);
	for (const struct errand *other = owned; other; other = other->next)
		most -= strcmp(other->name, errand->name) == 0;
	if (most > 0) {
		errand->next = owned;
		owned = errand;
	}
	pthread_mutex_unlock(&lock);
	return most > 0;
}

/* Done, or never begun. */
static void leave(struct errand *errand)
{
	if (*errand->name) {
		pthread_mutex_lock(&lock);
		for (struct errand **at = &owned; *at; at = &(*at)->next)
			if (*at == errand) {
				*at = errand->next;
				break;
			}
		pthread_mutex_unlock(&lock);
	}
	free(errand);
	atomic_fetch_sub(&at_work, 1);
}

static void *run(void *arg)
{
	struct errand *errand = arg;

	errand->fn(errand->ctx);
	leave(errand);
	return NULL;
}

static bool start(struct errand *errand)
{
	pthread_attr_t how;
	pthread_t thread;
	bool good = pthread_attr_init(&how) == 0;

	if (good) {
		pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&how, STACK_BYTES);
		good = pthread_create(&thread, &how, run, errand) == 0;
		pthread_attr_destroy(&how);
	}
	return good;
}

enum err crew_run_for(const char *name, int most, void (*fn)(void *ctx), void *ctx)
{
	struct errand *errand = calloc(1, sizeof *errand);
	enum err e = OK;

	if (!errand)
		abort();
	errand->fn = fn;
	errand->ctx = ctx;
	snprintf(errand->name, sizeof errand->name, "%s", name ? name : "");
	if (atomic_fetch_add(&at_work, 1) >= CREW_MOST)
		e = ERR_STORE_UNAVAILABLE;
	else if (name && !enter(errand, most))
		e = ERR_RATE_LIMITED;
	else if (!start(errand))
		e = ERR_STORE_UNAVAILABLE;
	if (e != OK)
		leave(errand);
	return e;
}

enum err crew_run(void (*fn)(void *ctx), void *ctx)
{
	return crew_run_for(NULL, 0, fn, ctx);
}

int crew_busy(void)
{
	return atomic_load(&at_work);
}
