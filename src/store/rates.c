/* See rates.h. Called by chat/quota and the worker. */
#include "store/rates.h"

/* One that begins in the future is from before the clock jumped back, and would last as much longer. */
#define GOES_ON "rates.since > CAST($3 AS BIGINT) - CAST($5 AS BIGINT) AND rates.since <= CAST($3 AS BIGINT)"

enum err rates_add(
	struct db *d, const char *person, const char *what, int64_t n, int64_t window_ms, int64_t now, int64_t *since, int64_t *count)
{
	struct db_rows r;

	db_query(&r, d,
		"INSERT INTO rates (person, what, since, count) VALUES ($1, $2, $3, $4) ON CONFLICT (person, what) DO UPDATE SET "
		"since = CASE WHEN " GOES_ON " THEN rates.since ELSE CAST($3 AS BIGINT) END, "
		"count = CASE WHEN " GOES_ON " THEN rates.count + CAST($4 AS BIGINT) ELSE CAST($4 AS BIGINT) END RETURNING since, count",
		DB_ARGS(db_text(person), db_text(what), db_int(now), db_int(n), db_int(window_ms)));
	*since = *count = 0;
	if (db_rows_next(&r)) {
		*since = db_rows_int(&r, 0);
		*count = db_rows_int(&r, 1);
	}
	return db_rows_done(&r);
}

enum err rates_prune(struct db *d, int64_t before, int most, int64_t *pruned)
{
	return db_exec(d, pruned, "DELETE FROM rates WHERE (person, what) IN (SELECT person, what FROM rates WHERE since < $1 LIMIT $2)",
		DB_ARGS(db_int(before), db_int(most)));
}
