/* The audit: what happened to which session when, and which side did it; never content or who a person is. Drained from Redis in batches by
 * the worker: audit_add, then remove from Redis; a batch that comes twice is kept once. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/db.h"

struct audit_item {
	int64_t at;
	const char *what; /* "created", "sent", "ended" … */
	const char *conversation;
	const char *side; /* "student", "counselor", "service" … */
	int64_t position; /* of the entry it is about; 0: none */
};

/* All of them or none. */
enum err audit_add(struct db *d, const struct audit_item *items, int count) MUST_CHECK;

/* The items of a conversation in order of time, after (at, position) of the last one seen (0, 0: from the start). */
enum err audit_of(struct db *d, const char *conversation, int64_t after_at, int limit,
	enum err (*each)(void *ctx, const struct audit_item *item), void *ctx) MUST_CHECK;

/* What happened in a life of a conversation, in numbers. */
struct audit_counts {
	bool whole;              /* from its beginning on: else what follows may be too little */
	int64_t messages;        /* sent, without deleted ones */
	int64_t activity, ended; /* the last of what moves its deadline, and its end; 0: none */
};

enum err audit_count(struct db *d, const char *conversation, int64_t created_at, struct audit_counts *out) MUST_CHECK;

enum err audit_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned) MUST_CHECK;

#endif
