#include "store/outbox.h"

enum err outbox_waiting(struct db *d, struct arena *a, int64_t before_ms, int64_t after_ms, int most, const char ***ids, int *count)
{
	struct db_rows r;

	*ids = arena_alloc(a, (size_t)most * sizeof **ids);
	*count = 0;
	db_query(&r, d, "SELECT conversation, min(at) FROM outbox WHERE at < $1 OR at > $2 GROUP BY conversation ORDER BY 2 LIMIT $3",
		DB_ARGS(db_int(before_ms), db_int(after_ms), db_int(most)));
	while (db_rows_next(&r))
		if (*count < most)
			(*ids)[(*count)++] = db_rows_keep(&r, 0, a);
	return db_rows_done(&r);
}

enum err outbox_lowest(struct db *d, struct arena *a, const char *conversation, int64_t *position, const char **members)
{
	struct db_rows r;

	*position = -1;
	*members = NULL;
	db_query(&r, d, "SELECT position, data FROM outbox WHERE conversation = $1 ORDER BY position LIMIT 1", DB_ARGS(db_text(conversation)));
	if (db_rows_next(&r)) {
		*position = db_rows_int(&r, 0);
		*members = db_rows_keep(&r, 1, a);
	}
	return db_rows_done(&r);
}

enum err outbox_erased(struct db *d, const char *conversation, const char *members, int64_t now)
{
	enum err e = db_exec(d, NULL, "DELETE FROM outbox WHERE conversation = $1", DB_ARGS(db_text(conversation)));

	if (e == OK)
		e = db_exec(d, NULL, "INSERT INTO outbox (conversation, position, at, data) VALUES ($1, 0, $2, $3)",
			DB_ARGS(db_text(conversation), db_int(now), db_text(members)));
	return e;
}

enum err outbox_done(struct db *d, const char *conversation, int64_t from, int64_t to)
{
	return db_exec(d, NULL, "DELETE FROM outbox WHERE conversation = $1 AND position >= $2 AND position <= $3",
		DB_ARGS(db_text(conversation), db_int(from), db_int(to)));
}

enum err outbox_count(struct db *d, int64_t *count, int64_t *oldest_at)
{
	struct db_rows r;

	*count = *oldest_at = 0;
	db_query(&r, d, "SELECT count(*), min(at) FROM outbox", DB_NONE);
	if (db_rows_next(&r)) {
		*count = db_rows_int(&r, 0);
		*oldest_at = db_rows_int(&r, 1);
	}
	return db_rows_done(&r);
}
