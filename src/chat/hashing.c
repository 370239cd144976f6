/* See hashing.h. Called by api/proof and api/auth. */
#include "chat/hashing.h"

#include "base/jobpool.h"
#include "chat/call.h"

struct job {
	struct jobpool_job queued; /* first */
	void (*fn)(void *ctx, bool in_time);
	void *ctx;
};

static void *work(void *unused);

static struct jobpool pool =
	JOBPOOL(.work = work, .most_threads = HASHING_THREADS, .most_waiting = HASHING_MOST, .patience_ms = HASHING_PATIENCE_MS);

static void *work(void *unused)
{
	struct job *j;
	bool late;

	while ((j = (struct job *)jobpool_take(&pool, &late)) != NULL) {
		j->fn(j->ctx, !late);
		free(j);
	}
	return unused;
}

enum err hashing_run(void (*fn)(void *ctx, bool in_time), void *ctx)
{
	struct job *j = call_alloc(sizeof *j);
	enum err e;

	j->fn = fn;
	j->ctx = ctx;
	e = jobpool_put(&pool, &j->queued);
	if (e != OK)
		free(j);
	return e;
}

void hashing_close(void)
{
	jobpool_close(&pool);
}
