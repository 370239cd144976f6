/* The hub's way to SQL: work for the pool's threads (store/dbpool), whose results come back into the loop. See hub.h. */
#include <stdlib.h>
#include <unistd.h>

#include "stream/hub.h"

void hub_post(struct hub *h, struct work *w)
{
	uint64_t one = 1;

	pthread_mutex_lock(&h->posts.lock);
	bool first = h->posts.first == NULL;
	w->next = NULL;
	*h->posts.end = w;
	h->posts.end = &w->next;
	pthread_mutex_unlock(&h->posts.lock);
	if (first) {
		ssize_t n = write(h->wake, &one, sizeof one);
		(void)n; /* full: it wakes anyway */
	}
}

static void run(struct db *d, void *ctx)
{
	struct work *w = ctx;

	w->err = d != NULL ? w->does(d, w) : ERR_STORE_UNAVAILABLE;
	hub_post(w->hub, w);
}

void hub_work(struct hub *h, struct work *w)
{
	w->hub = h;
	if (dbpool_run(run, w) == OK)
		return;
	w->err = ERR_STORE_UNAVAILABLE;
	hub_post(h, w);
}

void hub_worked(struct hub *h)
{
	pthread_mutex_lock(&h->posts.lock);
	struct work *w = h->posts.first;
	h->posts.first = NULL;
	h->posts.end = &h->posts.first;
	pthread_mutex_unlock(&h->posts.lock);
	while (w != NULL) {
		struct work *next = w->next;
		w->done(w);
		w = next;
	}
}

void hub_work_begin(struct hub *h)
{
	pthread_mutex_init(&h->posts.lock, NULL);
	h->posts.end = &h->posts.first;
	dbpool_open(DB_THREADS, (int)h->readers_most + 1000);
}

void hub_work_end(struct hub *h)
{
	dbpool_close();
	hub_worked(h);
	pthread_mutex_destroy(&h->posts.lock);
}
