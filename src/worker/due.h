/* Queues that are sorted sets by when something is due ({bucket}:due, :push, :summary): what the jobs that work them have in common. */
#ifndef WORKER_DUE_H
#define WORKER_DUE_H

#include "store/ask.h"
#include "worker/worker.h"

/* fn for every bucket, whatever became of the one before, until the worker is to end. The first error, if any. */
enum err due_each_bucket(struct worker *w, enum err (*fn)(struct worker *w, unsigned bucket)) MUST_CHECK;

/* What is due in {bucket}:<queue>, the earliest `most` of it: told_text(told_at(*list, i)) for i < *count, in w's arena. Sets w->more when there may be more. */
enum err due_list(struct worker *w, unsigned bucket, const char *queue, size_t most, const struct told **list, size_t *count) MUST_CHECK;

#endif
