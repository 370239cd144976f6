#include "stream/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024 };

static void add_chunk(struct slab *s)
{
	char *chunk = malloc(CHUNK_BYTES);

	if (chunk == NULL)
		abort();
	*(void **)chunk = s->chunks;
	s->chunks = chunk;
	/* 16 bytes for the chain, so that what follows is aligned like malloc's. */
	for (size_t at = 16; at + s->bytes <= CHUNK_BYTES; at += (s->bytes + 15) & ~(size_t)15) {
		*(void **)(chunk + at) = s->free;
		s->free = chunk + at;
	}
}

void *slab_get(struct slab *s)
{
	void *one;

	pthread_mutex_lock(&s->lock);
	if (s->free == NULL)
		add_chunk(s);
	one = s->free;
	assert(one != NULL);
	s->free = *(void **)one;
	pthread_mutex_unlock(&s->lock);
	return memset(one, 0, s->bytes);
}

void slab_put(struct slab *s, void *one)
{
	if (one == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	*(void **)one = s->free;
	s->free = one;
	pthread_mutex_unlock(&s->lock);
}

void slab_done(struct slab *s)
{
	while (s->chunks != NULL) {
		void *chunk = s->chunks;
		s->chunks = *(void **)chunk;
		free(chunk);
	}
	s->free = NULL;
}
