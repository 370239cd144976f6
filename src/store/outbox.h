/* What was committed to lasting conversations and is not surely announced (sql/0007). Rows are written by store/entries with the entries themselves. May block. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

/* Conversations with rows from before that time, those that wait longest first; or from after another: then the clock was set back since. */
enum err outbox_waiting(
	struct db *d, struct arena *a, int64_t before_ms, int64_t after_ms, int most, const char ***ids, int *count) MUST_CHECK;

/* The lowest position that waits for that conversation; -1: none. Position 0 says that it was erased; then *members is the JSON array of those who were in it. */
enum err outbox_lowest(struct db *d, struct arena *a, const char *conversation, int64_t *position, const char **members) MUST_CHECK;

/* A conversation was erased: its other rows go, and this one says so. members: JSON array of their ids. Within db_write. */
enum err outbox_erased(struct db *d, const char *conversation, const char *members, int64_t now) MUST_CHECK;

/* These were told. */
enum err outbox_done(struct db *d, const char *conversation, int64_t from, int64_t to) MUST_CHECK;

/* How many rows wait, and since when the oldest (0: none). */
enum err outbox_count(struct db *d, int64_t *count, int64_t *oldest_at) MUST_CHECK;

#endif
