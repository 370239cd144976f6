/* Memory of one request: many small pieces, dropped in one call. Never fails (small allocations that fail abort: we are restarted). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
};

void arena_init(struct arena *a);
void arena_done(struct arena *a);

void *arena_alloc(struct arena *a, size_t bytes);                  /* zeroed, aligned for anything */
char *arena_strndup(struct arena *a, const char *str, size_t len); /* NUL-terminated copy */
char *arena_strdup(struct arena *a, const char *str);              /* NULL stays NULL */

#endif
