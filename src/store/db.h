/* The only door to SQL: SQLite or PostgreSQL behind one set of calls. Only src/store includes this beside those who make, hand on and end
 * connections (the worker, `room migrate`, store/dbpool): everybody else calls the functions of a table (ledger.h, webhooks.h …).
 *
 * A struct db is one connection. It belongs to one thread at a time, may be handed to another between calls, and does not survive a fork.
 * Every call may block: at most for about the patience given to db_new (never for ever; a database that hangs is as good as one that is gone).
 * So accepting and reply threads don't come here but go through store/dbpool.
 *
 * SQL is written once for both: parameters $1, $2 … (each at most DB_PARAMETERS), ON CONFLICT, RETURNING, WITH; what only one of them has
 * stands in braces: {postgres: FOR UPDATE SKIP LOCKED} {sqlite: INDEXED BY x}. Statements are prepared once per connection and kept: make SQL text from
 * literals, never from data. Results are held in memory on PostgreSQL: every SELECT that can grow has a LIMIT.
 *
 * Errors: OK · ERR_CONFLICT a unique or foreign key says no · ERR_STORE_UNAVAILABLE no connection, no lock in time, disk full, the outcome of a
 * COMMIT unknown (db_uncertain) · ERR_INTERNAL the statement itself is wrong. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"

#define DB_PARAMETERS 512
#define DB_PATIENCE_MS 8000

struct db;

/* ---- connections ---- */

/* Address: "sqlite:<path>" or "postgres://…" (any URL that libpq takes); NULL = db_address(). Never connects: the first statement does, and
 * after a loss the next one does again. ERR_BAD_REQUEST: no such kind of address. */
enum err db_new(struct db **out, const char *address, int patience_ms) MUST_CHECK;
void db_free(struct db *d); /* rolls back what is open; takes NULL */

/* ROOM_DB, or "sqlite:<ROOM_STATE>/room.db". To be freed. */
char *db_address(void);

bool db_is_postgres(const struct db *d);

/* Connects if need be and asks for nothing more: is the database there? */
enum err db_ping(struct db *d) MUST_CHECK;

/* What the last failure was, for an operator's eyes and for logs: a code and a name of the schema, never a value. Valid until the next call. */
const char *db_why(const struct db *d);

/* After a failure: true when it may have happened all the same (the connection broke under a COMMIT, or under a statement that stood alone). */
bool db_uncertain(const struct db *d);

/* ---- values ---- */

enum db_kind { DB_INT, DB_TEXT, DB_BLOB };

struct db_value {
	enum db_kind kind;
	bool null;
	int64_t number;
	const void *bytes; /* borrowed until the call returns */
	size_t len;
};

struct db_value db_int(int64_t n);
struct db_value db_time(int64_t ms);    /* 0 is NULL */
struct db_value db_text(const char *s); /* NULL is NULL; UTF-8 without NUL */
struct db_value db_textn(const char *s, size_t len);
struct db_value db_blob(const void *bytes, size_t len); /* NULL is NULL */

/* The last two arguments of the calls below: DB_ARGS(db_text(id), db_int(now)), or DB_NONE. */
#define DB_ARGS(...) (const struct db_value[]){__VA_ARGS__}, (int)(sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value))
#define DB_NONE NULL, 0

/* ---- statements ---- */

/* One statement. *changed (may be NULL): how many rows it touched. By itself, it is a transaction of its own, tried again (three times at
 * most) as long as it certainly did nothing. */
enum err db_exec(struct db *d, int64_t *changed, const char *sql, const struct db_value *args, int count) MUST_CHECK;

/* Rows, one after the other; the error waits until the end:
 *
 *     struct db_rows rows;
 *     db_query(&rows, d, "SELECT id, at FROM t WHERE who = $1 LIMIT 100", DB_ARGS(db_text(who)));
 *     while (db_rows_next(&rows))
 *             use(db_rows_text(&rows, 0), db_rows_int(&rows, 1));
 *     e = db_rows_done(&rows);
 *
 * What a row gives is valid until the next db_rows_next. db_rows_done must always be called; the statement is only sure to have happened
 * (INSERT … RETURNING) when it says OK. End the rows before a transaction begins or ends. */
struct db_rows {
	struct db *db;
	struct db_statement *statement;
	void *result; /* the driver's */
	int64_t row;
	bool given; /* one, by db_rows_next */
	enum err err;
	struct arena arena;
};

void db_query(struct db_rows *r, struct db *d, const char *sql, const struct db_value *args, int count);
bool db_rows_next(struct db_rows *r);
enum err db_rows_done(struct db_rows *r) MUST_CHECK;

/* The same for a statement that was to bring a row: ERR_NOT_FOUND when db_rows_next never gave one. */
enum err db_rows_found(struct db_rows *r) MUST_CHECK;

/* Columns count from 0. NULL: 0, NULL, or "" for db_rows_word. */
bool db_rows_null(const struct db_rows *r, int column);
int64_t db_rows_int(const struct db_rows *r, int column);
const char *db_rows_text(const struct db_rows *r, int column);
const char *db_rows_word(const struct db_rows *r, int column);
const void *db_rows_blob(struct db_rows *r, int column, size_t *len);
char *db_rows_keep(const struct db_rows *r, int column, struct arena *a); /* a copy of the text; NULL stays NULL */

/* The same by callback, which may end it early by an error of its own (which is returned). */
enum err db_each(struct db *d, enum err (*row)(void *ctx, struct db_rows *r), void *ctx, const char *sql, const struct db_value *args,
	int count) MUST_CHECK;

/* One number: the first column of the first row; 0 when there is none. */
enum err db_number(struct db *d, int64_t *out, const char *sql, const struct db_value *args, int count) MUST_CHECK;

/* ---- transactions ---- */

/* Runs fn in a transaction that may write: BEGIN IMMEDIATE, or READ COMMITTED (lock what must stand still: {postgres: FOR UPDATE}). Commits when fn
 * says OK and no statement failed; else rolls back and returns fn's error, or the statement's. On a lost lock, a serialization failure or a
 * lost connection fn is run again, at most three times, with growing, jittered pauses: it must start from its ctx anew and must have no
 * effect outside of the database. Never after a COMMIT whose outcome is unknown: then ERR_STORE_UNAVAILABLE, and db_uncertain says so.
 * Within another transaction it is a savepoint: fn's own error undoes only what fn did. */
enum err db_write(struct db *d, enum err (*fn)(struct db *d, void *ctx), void *ctx) MUST_CHECK;

/* The same for reading only: everything fn reads is of one instant. Not within another transaction. */
enum err db_read(struct db *d, enum err (*fn)(struct db *d, void *ctx), void *ctx) MUST_CHECK;

/* ---- for migrations and erasure ---- */

/* Several statements without parameters, as they stand in a file of sql/; braces as above. Within db_write. */
enum err db_script(struct db *d, const char *sql) MUST_CHECK;

/* After rows were deleted that must not be found on the disk either. SQLite: deleted bytes are overwritten (secure_delete) and the write-ahead log
 * is emptied; ERR_STORE_UNAVAILABLE when a reader was in the way: again later. PostgreSQL: VACUUM of that table, which may take as long as it
 * takes (an hour at most). Not within a transaction. */
enum err db_scrub(struct db *d, const char *table) MUST_CHECK;

#endif
