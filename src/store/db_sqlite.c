/* SQLite behind db.h: the write-ahead log, full synchronisation (what was acknowledged survives a power cut), deleted bytes overwritten. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/db_retry.h"

struct lite {
	sqlite3 *db;
	int64_t waiting_since; /* of the lock that is waited for now */
	int wait_ms;
};

/* Somebody of this process waited in vain for the right to write, and nobody has had it since: then others need not wait as long to learn the same. Else all
 * threads of a pool stand in line, and nobody reads. */
static atomic_bool stuck;

#define STUCK_WAIT_MS 100

struct lite_statement {
	sqlite3_stmt *stmt;
	int parameters;
	short place[DB_PARAMETERS + 1]; /* $n's own number: SQLite counts names by first appearance (sqlite.org/lang_expr.html, "Parameters") */
};

static sqlite3 *handle_of(const struct db *d)
{
	return ((struct lite *)d->connection)->db;
}

static sqlite3_stmt *stmt_of(const struct db_rows *r)
{
	return ((struct lite_statement *)r->statement->handle)->stmt;
}

/* Which failure a result code is. sqlite.org/rescode.html */
static bool fail(struct db *d, int code)
{
	enum db_failure failure = DB_WRONG;

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: failure = DB_BUSY; break;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_NOLFS:
	case SQLITE_NOMEM: failure = DB_BROKEN; break;
	case SQLITE_CONSTRAINT:
		if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID ||
			code == SQLITE_CONSTRAINT_FOREIGNKEY)
			failure = DB_VIOLATED;
		break;
	default: break;
	}
	/* These messages name tables, columns and words of the statement, never values. */
	return db_fail(d, failure, "sqlite %d: %s", code, d->connection ? sqlite3_errmsg(handle_of(d)) : sqlite3_errstr(code));
}

/* While a statement runs, what functions say may quote its values (fts5 does). */
static bool fail_running(struct db *d, int code)
{
	return code == SQLITE_ERROR ? db_fail(d, DB_WRONG, "sqlite 1: while running") : fail(d, code);
}

/* ---- connection ---- */

/* Waits for a lock in short, uneven steps. SQLite's own handler grows to 100 ms; with steps of 8 ms and four busy processes somebody was passed
 * over for 0.8 s, with these for 0.3 s at most, at the same throughput. */
static int wait_for_lock(void *ctx, int tries)
{
	struct lite *l = ctx;
	int64_t now = clock_mono_ms();
	unsigned char random;
	int step_us = tries < 3 ? 250 << tries : 1500;

	if (tries == 0)
		l->waiting_since = now;
	if (now - l->waiting_since >= (atomic_load(&stuck) ? STUCK_WAIT_MS : l->wait_ms))
		return 0;
	id_random(&random, 1);
	usleep((useconds_t)(step_us / 2 + step_us * random / 256));
	return 1;
}

/* Makes the file, for its owner only, before SQLite does; its log and index take its mode. Under another name first: closing a descriptor of a
 * database would drop the locks that this process holds on it (sqlite.org/howtocorrupt.html §2.2). */
static void make_file(const char *path)
{
	size_t len = strlen(path) + 8;
	char *fresh;
	int fd;

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return;
	fresh = malloc(len);
	if (!fresh)
		abort();
	snprintf(fresh, len, "%s.XXXXXX", path);
	fd = mkostemp(fresh, O_CLOEXEC); /* mode 0600 */
	if (fd >= 0) {
		close(fd);
		if (link(fresh, path) != 0 && errno != EEXIST)
			fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), fd >= 0 ? close(fd) : 0; /* no links here */
		unlink(fresh);
	}
	free(fresh);
}

/* trusted_schema stays on: SQLite 3.40's fts5 is not declared harmless, and triggers keep the search index (sql/0008). There are no functions of ours that a
 * schema could call. */
static int configure(sqlite3 *db)
{
	static const char pragmas[] = "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
								  "PRAGMA journal_size_limit=4194304; PRAGMA cache_size=-8192";
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		code = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0
			? SQLITE_OK
			: SQLITE_CANTOPEN; /* e.g. a file system without shared memory */
	else if (code == SQLITE_DONE)
		code = SQLITE_ERROR;
	sqlite3_finalize(stmt);
	return code == SQLITE_OK ? sqlite3_exec(db, pragmas, NULL, NULL, NULL) : code;
}

static bool lite_connect(struct db *d)
{
	struct lite *l = calloc(1, sizeof *l);
	int code;

	if (!l)
		abort();
	make_file(d->address);
	/* NOMUTEX: a struct db belongs to one thread at a time. */
	code =
		sqlite3_open_v2(d->address, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (code == SQLITE_OK) {
		l->wait_ms = d->patience_ms / 4; /* of each try, db.h promises about the patience for all of them */
		sqlite3_busy_handler(l->db, wait_for_lock, l);
		code = configure(l->db);
	}
	if (code == SQLITE_OK) {
		d->connection = l;
		return true;
	}
	fail(d, code);
	if ((code & 0xff) == SQLITE_CANTOPEN)
		db_fail(d, DB_BROKEN, "sqlite %d: cannot open %s", code, d->address);
	sqlite3_close_v2(l->db);
	free(l);
	return false;
}

static void lite_disconnect(struct db *d)
{
	struct lite *l = d->connection;

	sqlite3_close_v2(l->db); /* waits for rows that are still open */
	free(l);
}

static bool lite_alive(struct db *d)
{
	(void)d;
	return true;
}

/* ---- statements ---- */

static void *lite_prepare(struct db *d, const char *sql, const struct db_value *args, int count)
{
	struct lite_statement *s = calloc(1, sizeof *s);
	const char *rest = "";
	int code;

	(void)args;
	if (!s || count > DB_PARAMETERS)
		abort();
	code = sqlite3_prepare_v3(handle_of(d), sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, &rest);
	if (code != SQLITE_OK || !s->stmt || rest[strspn(rest, " \t\r\n;")] != '\0') {
		if (code == SQLITE_OK)
			db_fail(d, DB_WRONG, "not one statement");
		else
			fail(d, code);
		sqlite3_finalize(s->stmt);
		free(s);
		return NULL;
	}
	s->parameters = sqlite3_bind_parameter_count(s->stmt);
	for (int n = 1; n <= count; n++) {
		char name[16];
		snprintf(name, sizeof name, "$%d", n);
		s->place[n] = (short)sqlite3_bind_parameter_index(s->stmt, name);
	}
	return s;
}

static void lite_forget(struct db *d, void *handle)
{
	struct lite_statement *s = handle;

	(void)d;
	sqlite3_finalize(s->stmt);
	free(s);
}

static int bind_one(sqlite3_stmt *stmt, int place, const struct db_value *v)
{
	if (v->null)
		return sqlite3_bind_null(stmt, place);
	switch (v->kind) {
	case DB_INT: return sqlite3_bind_int64(stmt, place, v->number);
	case DB_TEXT: return sqlite3_bind_text64(stmt, place, v->bytes, v->len, SQLITE_TRANSIENT, SQLITE_UTF8);
	case DB_BLOB: break;
	}
	return sqlite3_bind_blob64(stmt, place, v->bytes, v->len, SQLITE_TRANSIENT);
}

/* Binds and makes the first step, so that a lock that cannot be had shows here; r->row: 0 a row is waiting, 1 it was taken, 2 the end. */
static bool lite_start(struct db_rows *r, const struct db_value *args, int count)
{
	struct lite_statement *s = r->statement->handle;
	int code = SQLITE_OK, bound = 0;

	for (int n = 1; n <= count && code == SQLITE_OK; n++) {
		if (s->place[n] == 0)
			continue;
		code = bind_one(s->stmt, s->place[n], &args[n - 1]);
		bound++;
	}
	if (code == SQLITE_OK && bound < s->parameters)
		return db_fail(r->db, DB_WRONG, "a parameter has no value");
	if (code == SQLITE_OK)
		code = sqlite3_step(s->stmt);
	r->row = code == SQLITE_ROW ? 0 : 2;
	return code == SQLITE_ROW || code == SQLITE_DONE ? true : fail_running(r->db, code);
}

static bool lite_next(struct db_rows *r)
{
	int code;

	if (r->row == 1) {
		code = sqlite3_step(stmt_of(r));
		if (code == SQLITE_ROW)
			return true;
		r->row = 2;
		return code == SQLITE_DONE ? false : fail_running(r->db, code);
	}
	if (r->row == 2)
		return false;
	r->row = 1;
	return true;
}

/* A statement that writes must be run to its end to have happened. */
static bool lite_end(struct db_rows *r, int64_t *changed)
{
	sqlite3_stmt *stmt = stmt_of(r);
	bool writes = !sqlite3_stmt_readonly(stmt);
	int code = SQLITE_DONE;

	if (writes && r->row >= 0 && r->row < 2)
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			;
	if (changed)
		*changed = writes && code == SQLITE_DONE ? sqlite3_changes64(handle_of(r->db)) : 0;
	if (code != SQLITE_DONE)
		fail_running(r->db, code);
	else if (writes && r->db->failure == DB_FINE && atomic_load(&stuck))
		atomic_store(&stuck, false);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return code == SQLITE_DONE;
}

static bool lite_null(const struct db_rows *r, int column)
{
	return sqlite3_column_type(stmt_of(r), column) == SQLITE_NULL;
}

static int64_t lite_integer(const struct db_rows *r, int column)
{
	return sqlite3_column_int64(stmt_of(r), column);
}

static const char *lite_text(const struct db_rows *r, int column)
{
	return (const char *)sqlite3_column_text(stmt_of(r), column);
}

static const void *lite_blob(struct db_rows *r, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(stmt_of(r), column);

	*len = (size_t)sqlite3_column_bytes(stmt_of(r), column);
	return bytes || lite_null(r, column) ? bytes : ""; /* an empty blob is NULL to SQLite's C */
}

/* ---- transactions ---- */

static bool lite_run(struct db *d, const char *sql)
{
	int code = sqlite3_exec(handle_of(d), sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? true : fail(d, code);
}

static bool lite_begin(struct db *d, bool reading)
{
	bool began = lite_run(d, reading ? "BEGIN" : "BEGIN IMMEDIATE");

	if (!reading && (began || d->failure == DB_BUSY))
		atomic_store(&stuck, !began);
	return began;
}

static bool lite_commit(struct db *d)
{
	int code = sqlite3_exec(handle_of(d), "COMMIT", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		return true;
	/* Still open: it did not happen. Closed by SQLite after a failed write or sync: the log may hold it all the same. */
	d->uncertain = sqlite3_get_autocommit(handle_of(d)) && (code & 0xff) == SQLITE_IOERR;
	return fail(d, code);
}

static void lite_rollback(struct db *d)
{
	if (!sqlite3_get_autocommit(handle_of(d)))
		sqlite3_exec(handle_of(d), "ROLLBACK", NULL, NULL, NULL);
}

static bool lite_scrub(struct db *d, const char *table)
{
	int code = sqlite3_wal_checkpoint_v2(handle_of(d), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	(void)table;
	return code == SQLITE_OK ? true : fail(d, code);
}

const struct db_driver db_sqlite = {
	.dialect = "sqlite",
	.connect = lite_connect,
	.disconnect = lite_disconnect,
	.alive = lite_alive,
	.prepare = lite_prepare,
	.forget = lite_forget,
	.start = lite_start,
	.next = lite_next,
	.end = lite_end,
	.null = lite_null,
	.integer = lite_integer,
	.text = lite_text,
	.blob = lite_blob,
	.run = lite_run,
	.begin = lite_begin,
	.commit = lite_commit,
	.rollback = lite_rollback,
	.scrub = lite_scrub,
};
