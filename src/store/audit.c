/* The audit: see audit.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/audit.h"

#define CHUNK 40 /* rows per statement: a round trip each would cost a distant PostgreSQL seconds */
#define FIELDS 5

struct batch {
	const struct audit_item *items;
	int count;
};

/* The statement for that many rows. To be freed. */
static char *insert_of(int rows)
{
	struct buf b;
	char *sql;

	buf_init(&b, 16384);
	buf_str(&b, "INSERT INTO audit (conversation, at, position, what, side) VALUES ");
	for (int i = 0; i < rows; i++) {
		int n = i * FIELDS;
		buf_printf(&b, "%s($%d, $%d, $%d, $%d, $%d)", i > 0 ? ", " : "", n + 1, n + 2, n + 3, n + 4, n + 5);
	}
	buf_str(&b, " ON CONFLICT DO NOTHING");
	sql = buf_take(&b, NULL);
	if (!sql)
		abort();
	return sql;
}

static enum err add_rows(struct db *d, const char *sql, const struct audit_item *items, int rows)
{
	struct db_value args[CHUNK * FIELDS];

	for (int i = 0; i < rows; i++) {
		struct db_value *v = args + i * FIELDS;
		v[0] = db_text(items[i].conversation);
		v[1] = db_int(items[i].at);
		v[2] = db_int(items[i].position);
		v[3] = db_text(items[i].what);
		v[4] = db_text(items[i].side);
	}
	return db_exec(d, NULL, sql, args, rows * FIELDS);
}

/* Two statements do for any number: one for a chunk, one for a single row. */
static enum err add_all(struct db *d, void *ctx)
{
	const struct batch *b = ctx;
	char *many = insert_of(CHUNK), *one = insert_of(1);
	enum err e = OK;
	int i = 0;

	for (; e == OK && b->count - i >= CHUNK; i += CHUNK)
		e = add_rows(d, many, b->items + i, CHUNK);
	for (; e == OK && i < b->count; i++)
		e = add_rows(d, one, b->items + i, 1);
	free(many);
	free(one);
	return e;
}

enum err audit_add(struct db *d, const struct audit_item *items, int count)
{
	struct batch b = {items, count};

	return count > 0 ? db_write(d, add_all, &b) : OK;
}

enum err audit_of(struct db *d, const char *conversation, int64_t after_at, int limit,
	enum err (*each)(void *ctx, const struct audit_item *item), void *ctx)
{
	struct db_rows r;
	enum err e = OK, failed;

	db_query(&r, d,
		"SELECT at, what, conversation, side, position FROM audit WHERE conversation = $1 AND at > $2 ORDER BY at, position LIMIT $3",
		DB_ARGS(db_text(conversation), db_int(after_at), db_int(limit)));
	while (e == OK && db_rows_next(&r)) {
		struct audit_item item = {db_rows_int(&r, 0), db_rows_word(&r, 1), db_rows_word(&r, 2), db_rows_word(&r, 3), db_rows_int(&r, 4)};
		e = each(ctx, &item);
	}
	failed = db_rows_done(&r);
	return e != OK ? e : failed;
}

enum err audit_count(struct db *d, const char *conversation, int64_t created_at, struct audit_counts *out)
{
	struct db_rows r;

	*out = (struct audit_counts){0};
	db_query(&r, d,
		"SELECT SUM(CASE WHEN what = 'created' AND at = $2 THEN 1 ELSE 0 END), "
		"SUM(CASE what WHEN 'message' THEN 1 WHEN 'deleted' THEN -1 ELSE 0 END), "
		"MAX(CASE WHEN what IN ('message', 'edited', 'deleted') THEN at END), MAX(CASE WHEN what = 'ended' THEN at END) "
		"FROM audit WHERE conversation = $1 AND at >= $2",
		DB_ARGS(db_text(conversation), db_int(created_at)));
	if (db_rows_next(&r))
		*out = (struct audit_counts){db_rows_int(&r, 0) > 0, db_rows_int(&r, 1), db_rows_int(&r, 2), db_rows_int(&r, 3)};
	return db_rows_done(&r);
}

enum err audit_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned)
{
	return db_exec(d, pruned,
		"DELETE FROM audit WHERE (conversation, at, position, what, side) IN "
		"(SELECT conversation, at, position, what, side FROM audit WHERE at < $1 ORDER BY at LIMIT $2)",
		DB_ARGS(db_int(before_ms), db_int(limit)));
}
