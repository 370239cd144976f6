/* Small things of one size that stay long, packed together: among what a burst of requests allocates and frees they would each hold a page. Any thread. */
#ifndef STREAM_SLAB_H
#define STREAM_SLAB_H

#include <pthread.h>
#include <stddef.h>

struct slab {
	pthread_mutex_t lock;
	size_t bytes; /* of one, at least a pointer */
	void *free;   /* chained through their first word */
	void *chunks; /* likewise */
};

#define SLAB_OF(type) \
	{ \
		.lock = PTHREAD_MUTEX_INITIALIZER, .bytes = sizeof(type) \
	}

void *slab_get(struct slab *s);           /* zeroed; aborts when there is no memory */
void slab_put(struct slab *s, void *one); /* NULL is fine */
void slab_done(struct slab *s);           /* frees all of it: only at the end of the process */

#endif
