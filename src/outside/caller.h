/* What one thread needs for calling outside: its connections and the way to the breakers. fcm, gemini and mainserver share it, for one call after another. */
#ifndef OUTSIDE_CALLER_H
#define OUTSIDE_CALLER_H

#include <stdbool.h>
#include "outside/fetch.h"
#include "store/redis.h"

/* Calls under way at once. Batches are of that size, so each call has its whole time and a batch takes no longer than one call. */
#define CALLER_BATCH 32

struct caller {
	struct fetch_pool *pool;
	struct redis *redis; /* borrowed; driven by its own thread. NULL: no breakers */
};

void caller_init(struct caller *c, struct redis *redis); /* fetch_setup came before */
void caller_done(struct caller *c);

/* What became of a call that has no verdict of its own: it was not made, because its breaker is open (or Redis' trial is somebody else's). */
#define CALLER_BREAKER "BREAKER_OPEN"

/* Runs the jobs behind the breaker of that name. passed[i] says whether job i was made: when the breaker is open none is, when it is half-open the
 * first alone; fetch_answer_done those that were. Returns the ms after which the others may be tried. Blocks until all are answered or timed out. */
int64_t caller_run(struct caller *c, const char *breaker, struct fetch_job *jobs, bool *passed, size_t n);

#endif
