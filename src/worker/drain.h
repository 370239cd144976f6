/* Moving a Redis list (what scripts append to: audit, events) into SQL: look, write, remove. What is written must be known by itself as the
 * same when it comes again (a primary key made of the whole item): then a death between writing and removing, and two workers at once, leave each item once. */
#ifndef WORKER_DRAIN_H
#define WORKER_DRAIN_H

#include "store/ask.h"
#include "worker/worker.h"

#define DRAIN_BATCH 2000

/* One batch of {bucket}:<queue>. write gets the items' texts; it must not keep them. Sets w->more when the batch was full, adds count to the
 * job's counts as `word`. point: the failpoints' prefix. */
enum err drain(struct worker *w, unsigned bucket, const char *queue, const char *word,
	enum err (*write)(struct worker *w, const char *const *items, int count)) MUST_CHECK;

#endif
