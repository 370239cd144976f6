/* The ledger of sessions: see ledger.h. */
#include "store/ledger.h"

#define COLUMNS "conversation, case_ref, created_at, expires_at, ended_at, closed_at, how, messages"

const char *ledger_how_name(enum ledger_how how)
{
	return how == LEDGER_EXPIRED ? "expired" : how == LEDGER_ERASED ? "erased" : "lost";
}

static void read_row(struct ledger_row *out, const struct db_rows *r, struct arena *a)
{
	*out = (struct ledger_row){.conversation = db_rows_keep(r, 0, a),
		.case_ref = db_rows_keep(r, 1, a),
		.created_at = db_rows_int(r, 2),
		.expires_at = db_rows_int(r, 3),
		.ended_at = db_rows_int(r, 4),
		.closed_at = db_rows_int(r, 5),
		.how = db_rows_keep(r, 6, a),
		.messages = db_rows_null(r, 7) ? -1 : db_rows_int(r, 7)};
}

enum err ledger_open(struct db *d, const char *conversation, int64_t created_at, int64_t expires_at, const char *case_ref)
{
	return db_exec(d, NULL,
		"INSERT INTO ledger (conversation, created_at, expires_at, case_ref, checked_at) VALUES ($1, $2, $3, $4, $2) ON CONFLICT DO "
		"NOTHING",
		DB_ARGS(db_text(conversation), db_int(created_at), db_int(expires_at), db_text(case_ref)));
}

enum err ledger_end(struct db *d, const char *conversation, int64_t created_at, int64_t ended_at, int64_t expires_at)
{
	return db_exec(d, NULL,
		"UPDATE ledger SET ended_at = $3, expires_at = $4 WHERE conversation = $1 AND created_at = $2 AND ended_at IS NULL AND closed_at "
		"IS NULL",
		DB_ARGS(db_text(conversation), db_int(created_at), db_int(ended_at), db_int(expires_at)));
}

static struct db_value count_of(const struct ledger_row *row)
{
	struct db_value n = db_int(row->messages);

	n.null = row->messages < 0;
	return n;
}

enum err ledger_close(struct db *d, const struct ledger_row *row, enum ledger_how how, int64_t closed_at, bool *closed_now)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed,
		"INSERT INTO ledger (conversation, created_at, expires_at, ended_at, closed_at, how, messages, case_ref, checked_at) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $5) "
		"ON CONFLICT (conversation, created_at) DO UPDATE SET expires_at = excluded.expires_at, ended_at = COALESCE(ledger.ended_at, "
		"excluded.ended_at), "
		"closed_at = excluded.closed_at, how = excluded.how, messages = excluded.messages WHERE ledger.closed_at IS NULL",
		DB_ARGS(db_text(row->conversation), db_int(row->created_at), db_int(row->expires_at), db_time(row->ended_at), db_int(closed_at),
			db_text(ledger_how_name(how)), count_of(row), db_text(row->case_ref)));

	*closed_now = e == OK && changed > 0;
	return e;
}

enum err ledger_erased(struct db *d, const char *conversation, int64_t created_at)
{
	return db_exec(d, NULL, "UPDATE ledger SET how = 'erased' WHERE conversation = $1 AND ($2 = 0 OR created_at = $2) AND how = 'expired'",
		DB_ARGS(db_text(conversation), db_int(created_at)));
}

enum err ledger_check(struct db *d, struct arena *a, int64_t now, int64_t before_ms, int limit, struct ledger_row **rows, int *count)
{
	struct db_rows r;

	*rows = arena_alloc(a, (size_t)limit * sizeof **rows);
	*count = 0;
	db_query(&r, d,
		"WITH due AS MATERIALIZED (SELECT conversation, created_at FROM ledger WHERE closed_at IS NULL AND checked_at < $2 "
		"ORDER BY checked_at LIMIT $3 {postgres: FOR UPDATE SKIP LOCKED}) "
		"UPDATE ledger SET checked_at = $1 WHERE (conversation, created_at) IN (SELECT conversation, created_at FROM due) "
		"RETURNING " COLUMNS,
		DB_ARGS(db_int(now), db_int(before_ms), db_int(limit)));
	while (db_rows_next(&r))
		if (*count < limit)
			read_row(&(*rows)[(*count)++], &r, a);
	return db_rows_done(&r);
}

enum err ledger_get(struct db *d, struct arena *a, const char *conversation, struct ledger_row *row)
{
	struct db_rows r;

	db_query(
		&r, d, "SELECT " COLUMNS " FROM ledger WHERE conversation = $1 ORDER BY created_at DESC LIMIT 1", DB_ARGS(db_text(conversation)));
	if (db_rows_next(&r))
		read_row(row, &r, a);
	return db_rows_found(&r);
}

enum err ledger_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned)
{
	return db_exec(d, pruned,
		"DELETE FROM ledger WHERE (conversation, created_at) IN (SELECT conversation, created_at FROM ledger WHERE closed_at < $1 "
		"ORDER BY closed_at LIMIT $2)",
		DB_ARGS(db_int(before_ms), db_int(limit)));
}

enum err ledger_forget_case(struct db *d, const char *case_ref)
{
	return db_exec(d, NULL, "UPDATE ledger SET case_ref = NULL WHERE case_ref = $1", DB_ARGS(db_text(case_ref)));
}

enum err ledger_open_count(struct db *d, int64_t *count)
{
	return db_number(d, count, "SELECT count(*) FROM ledger WHERE closed_at IS NULL", DB_NONE);
}
