/* Rows of `rates` (sql/0010): how much somebody did lately. May block. */
#ifndef STORE_RATES_H
#define STORE_RATES_H

#include "store/db.h"

/* n more of what, at now: *count and *since (ms) are those of the window of window_ms that this falls into, n included. Within db_write, whose rollback takes it back;
 * whoever counts for the same person waits until its end. */
enum err rates_add(struct db *d, const char *person, const char *what, int64_t n, int64_t window_ms, int64_t now, int64_t *since,
	int64_t *count) MUST_CHECK;

/* Deletes windows that began before that; at most most of them. */
enum err rates_prune(struct db *d, int64_t before, int most, int64_t *pruned) MUST_CHECK;

#endif
