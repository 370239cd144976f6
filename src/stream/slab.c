#include "stream/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK_BYTES = 64 * 1024 };

static void add_chunk(struct slab *s)
{
	/* Not from the heap: there it would stand between what a burst leaves behind, and keep it from going back to the system. */
	/* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous one has */
	char *chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
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
		munmap(chunk, CHUNK_BYTES);
	}
	s->free = NULL;
}
