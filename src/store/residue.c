/* Searching the whole database for a text: see residue.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "store/db_driver.h"
#include "store/residue.h"
#include "store/retention.h"

#define SQL_MOST 65536
#define TABLES_MOST 64
#define LATE_MS 600000 /* the worker has its rounds */

/* Table names come from the catalogue, and are quoted. */
static void add_name(struct buf *b, const char *name)
{
	buf_char(b, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_char(b, '"');
		buf_char(b, *name);
	}
	buf_char(b, '"');
}

/* What is true of a row that holds $1. */
static enum err add_condition(struct buf *b, struct db *d, const char *table)
{
	const char *comma = "";
	struct db_rows r;

	if (db_is_postgres(d)) {
		buf_str(b, "position($1 IN t::text) > 0 OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0");
		return OK;
	}
	db_query(&r, d, "SELECT name FROM pragma_table_info($1)", DB_ARGS(db_text(table)));
	while (db_rows_next(&r)) {
		buf_printf(b, "%sinstr(CAST(", comma);
		add_name(b, db_rows_word(&r, 0));
		buf_str(b, " AS BLOB), CAST($1 AS BLOB)) > 0");
		comma = " OR ";
	}
	return db_rows_done(&r);
}

static enum err count_in(struct db *d, const char *table, const char *text, int64_t *rows)
{
	struct buf sql;
	enum err e;

	buf_init(&sql, SQL_MOST);
	buf_str(&sql, "SELECT count(*) FROM ");
	add_name(&sql, table);
	buf_str(&sql, " t WHERE ");
	e = add_condition(&sql, d, table);
	if (e == OK)
		e = buf_ok(&sql) ? db_number(d, rows, sql.data, DB_ARGS(db_text(text))) : ERR_INTERNAL;
	buf_done(&sql);
	return e;
}

enum err residue_find(struct db *d, const char *text, void (*found)(void *ctx, const char *table, int64_t rows), void *ctx)
{
	char *tables[TABLES_MOST];
	struct arena arena;
	struct db_rows r;
	int count = 0;
	enum err e;

	arena_init(&arena);
	db_query(&r, d,
		"{sqlite: SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'}"
		"{postgres: SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = ANY (current_schemas(false))}",
		DB_NONE);
	while (db_rows_next(&r))
		if (count < TABLES_MOST)
			tables[count++] = db_rows_keep(&r, 0, &arena);
	e = db_rows_done(&r);
	for (int i = 0; e == OK && i < count; i++) {
		int64_t rows = 0;
		e = count_in(d, tables[i], text, &rows);
		if (e == OK && rows > 0)
			found(ctx, tables[i], rows);
	}
	arena_done(&arena);
	return e;
}

enum err residue_overdue(struct db *d, int64_t now, void (*found)(void *ctx, const char *table, int64_t rows), void *ctx)
{
	static const struct {
		const char *table, *sql;
	} looks[] = {
		{"summaries",
			"SELECT count(*) FROM summaries s WHERE expires_at < $1 - 900000 OR EXISTS (SELECT 1 FROM ledger l WHERE l.conversation = "
			"s.conversation AND l.created_at = s.session_at AND l.how = 'erased')"},
		{"files",
			"SELECT count(*) FROM files WHERE (state <> 'kept' AND at < $1 - 900000) OR (state = 'kept' AND message = 0 AND session = 0 "
			"AND at < "
			"$1 - 4500000)"},
		{"entries",
			"SELECT count(*) FROM entries e WHERE $1 > 0 AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.n = e.conversation AND "
			"c.floor < e.position)"},
		{"entries, their words",
			"SELECT count(*) FROM entries WHERE $1 > 0 AND words IS NOT NULL AND (content IS NULL OR deleted_at IS NOT NULL)"},
		{"search_titles",
			"SELECT count(*) FROM search_titles s WHERE $1 > 0 AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.n = s.n)"},
	};
	int64_t rows = 0;
	enum err e = OK;

	for (size_t i = 0; e == OK && i < sizeof looks / sizeof *looks; i++) {
		e = db_number(d, &rows, looks[i].sql, DB_ARGS(db_int(now)));
		if (e == OK && rows > 0)
			found(ctx, looks[i].table, rows);
	}
	if (e == OK)
		e = retention_overdue(d, now - LATE_MS, config_number("ROOM_RETENTION_S"), &rows);
	if (e == OK && rows > 0)
		found(ctx, "conversations, messages past their time", rows);
	return e;
}

char *residue_file(const struct db *d)
{
	return db_is_postgres(d) ? NULL : strdup(d->address);
}
