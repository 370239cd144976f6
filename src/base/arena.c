/* Memory of one request. Chunks are a list; what does not fit into one gets a chunk of its own. */
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define CHUNK_BYTES 2000 /* a usual request's headers fit one; under the allocator's 2 KB class */

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a)
{
	a->chunks = NULL;
}

void arena_done(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;
		free(a->chunks);
		a->chunks = next;
	}
}

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = size < SIZE_MAX - sizeof *c ? calloc(1, sizeof *c + size) : NULL;

	if (!c) {
		fputs("out of memory\n", stderr);
		abort();
	}
	c->size = size;
	return c;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_chunk *c = a->chunks;
	size_t rounded = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *p;

	if (rounded < bytes)
		rounded = bytes; /* wrapped: chunk_new refuses a size like that */
	if (!c || c->size - c->used < rounded) {
		bool big = rounded > CHUNK_BYTES / 2;
		struct arena_chunk *fresh = chunk_new(big ? rounded : CHUNK_BYTES - sizeof *fresh);
		if (big && c) { /* behind the head, whose rest stays in use */
			fresh->next = c->next;
			c->next = fresh;
		} else {
			fresh->next = c;
			a->chunks = fresh;
		}
		c = fresh;
	}
	p = c->bytes + c->used;
	c->used += rounded;
	return p;
}

char *arena_strndup(struct arena *a, const char *str, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len)
		memcpy(copy, str, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *str)
{
	return str ? arena_strndup(a, str, strlen(str)) : NULL;
}
