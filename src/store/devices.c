/* Push targets of counselors: see devices.h. */
#include "store/devices.h"

enum err devices_put(struct db *d, const char *participant, const char *kind, const char *value, int64_t now)
{
	return db_exec(d, NULL,
		"INSERT INTO devices (participant, kind, value, updated_at) VALUES ($1, $2, $3, $4) "
		"ON CONFLICT (participant) DO UPDATE SET kind = excluded.kind, value = excluded.value, updated_at = excluded.updated_at",
		DB_ARGS(db_text(participant), db_text(kind), db_text(value), db_int(now)));
}

enum err devices_get(struct db *d, struct arena *a, const char *participant, struct device_row *row)
{
	struct db_rows r;

	db_query(&r, d, "SELECT participant, kind, value, updated_at FROM devices WHERE participant = $1", DB_ARGS(db_text(participant)));
	if (db_rows_next(&r))
		*row = (struct device_row){db_rows_keep(&r, 0, a), db_rows_keep(&r, 1, a), db_rows_keep(&r, 2, a), db_rows_int(&r, 3)};
	return db_rows_found(&r);
}

enum err devices_delete(struct db *d, const char *participant)
{
	return db_exec(d, NULL, "DELETE FROM devices WHERE participant = $1", DB_ARGS(db_text(participant)));
}

enum err devices_forget(struct db *d, const char *participant, const char *value)
{
	return db_exec(d, NULL, "DELETE FROM devices WHERE participant = $1 AND value = $2", DB_ARGS(db_text(participant), db_text(value)));
}
