/* Searching the whole database for a text: see residue.h. */
#include <limits.h>
#include <stdio.h>
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

/* The number that a cluster has from its birth stands first in its control file: so a folder of the same name on another machine is told apart. */
static bool is_cluster(const char *folder, int64_t identifier)
{
	char path[PATH_MAX];
	int64_t found = 0;
	FILE *f;
	bool good;

	if (snprintf(path, sizeof path, "%s/global/pg_control", folder) >= (int)sizeof path || (f = fopen(path, "re")) == NULL)
		return false;
	good = fread(&found, sizeof found, 1, f) == 1 && found == identifier;
	fclose(f);
	return good;
}

/* Its real place, so that a link to another disk is followed. NULL: there is none. */
static char *inside(const char *folder, const char *part, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof path, "%s/%s/%s", folder, part, name) < (int)sizeof path ? realpath(path, NULL) : NULL;
}

enum err residue_folders(struct db *d, char **base, char **wal)
{
	struct db_rows r;
	struct arena a;
	const char *folder = NULL, *database = "";
	int64_t identifier = 0;
	bool super = false;
	enum err e;

	*base = *wal = NULL;
	if (!db_is_postgres(d))
		return ERR_NOT_FOUND;
	arena_init(&a);
	db_query(&r, d,
		"SELECT CASE WHEN pg_has_role('pg_read_all_settings', 'usage') THEN current_setting('data_directory') END, "
		"(SELECT oid::text FROM pg_database WHERE datname = current_database()), (SELECT system_identifier FROM pg_control_system()), "
		"(SELECT rolsuper::int FROM pg_roles WHERE rolname = current_user)",
		DB_NONE);
	if (db_rows_next(&r)) {
		folder = db_rows_keep(&r, 0, &a);
		database = db_rows_keep(&r, 1, &a);
		identifier = db_rows_int(&r, 2);
		super = db_rows_int(&r, 3) != 0;
	}
	e = db_rows_done(&r);
	if (e == OK && (!folder || !is_cluster(folder, identifier)))
		e = ERR_NOT_FOUND;
	if (e == OK && super)
		e = db_exec(d, NULL, "CHECKPOINT", DB_NONE);
	if (e == OK) {
		*base = inside(folder, "base", database);
		*wal = inside(folder, "pg_wal", ".");
	}
	if (e == OK && (!*base || !*wal)) {
		free(*base);
		free(*wal);
		*base = *wal = NULL;
		e = ERR_NOT_FOUND;
	}
	arena_done(&a);
	return e;
}
