/* PostgreSQL behind db.h: what is sent and waited for (with a deadline always) is in db_postgres_wire.c, results are read here. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db_postgres.h"

struct pg_statement {
	const PGconn *of;
	char name[24];
};

/* pg_type.dat: the types we bind. Said at preparation, so that a NULL has a type too. */
static Oid oid_of(enum db_kind kind)
{
	return kind == DB_INT ? 20 : kind == DB_TEXT ? 25 : 17;
}

static void *pg_prepare(struct db *d, const char *sql, const struct db_value *args, int count)
{
	struct pg_statement *s = malloc(sizeof *s);
	Oid types[DB_PARAMETERS];
	PGresult *result;

	if (!s || count > DB_PARAMETERS)
		abort();
	for (int i = 0; i < count; i++)
		types[i] = oid_of(args[i].kind);
	s->of = d->connection;
	snprintf(s->name, sizeof s->name, "s%lld", (long long)++d->tick);
	result = PQsendPrepare(d->connection, s->name, sql, count, types) ? postgres_result(d) : postgres_lost(d);
	if (!postgres_good(d, result)) {
		free(s);
		s = NULL;
	}
	PQclear(result);
	return s;
}

static void pg_forget(struct db *d, void *handle)
{
	struct pg_statement *s = handle;
	char sql[64];

	if (!d->closing && d->connection == s->of && d->failure == DB_FINE) {
		snprintf(sql, sizeof sql, "DEALLOCATE %s", s->name);
		if (!postgres_run(d, sql) && d->depth == 0 && d->failure != DB_LOST)
			d->failure = DB_FINE; /* it costs some of the server's memory, no more */
	}
	free(s);
}

static bool pg_start(struct db_rows *r, const struct db_value *args, int count)
{
	struct pg_statement *s = r->statement->handle;
	const char *values[DB_PARAMETERS];
	int lengths[DB_PARAMETERS], formats[DB_PARAMETERS];
	struct db *d = r->db;

	for (int i = 0; i < count; i++) {
		char *text;
		values[i] = NULL;
		formats[i] = args[i].kind == DB_BLOB;
		lengths[i] = (int)args[i].len;
		if (args[i].null)
			continue;
		if (args[i].kind == DB_INT) {
			text = arena_alloc(&r->arena, 24);
			snprintf(text, 24, "%lld", (long long)args[i].number);
			values[i] = text;
		} else {
			values[i] = args[i].kind == DB_BLOB ? args[i].bytes : arena_strndup(&r->arena, args[i].bytes, args[i].len);
		}
	}
	r->result = PQsendQueryPrepared(d->connection, s->name, count, values, lengths, formats, 0) ? postgres_result(d) : postgres_lost(d);
	return postgres_good(d, r->result);
}

static bool pg_next(struct db_rows *r)
{
	return ++r->row < PQntuples(r->result);
}

static bool pg_end(struct db_rows *r, int64_t *changed)
{
	if (changed)
		*changed = r->result ? strtoll(PQcmdTuples(r->result), NULL, 10) : 0;
	PQclear(r->result);
	r->result = NULL;
	return r->db->failure == DB_FINE;
}

static bool pg_null(const struct db_rows *r, int column)
{
	return PQgetisnull(r->result, (int)r->row, column);
}

static int64_t pg_integer(const struct db_rows *r, int column)
{
	const char *text = PQgetvalue(r->result, (int)r->row, column);

	return *text == 't' ? 1 : strtoll(text, NULL, 10); /* a boolean is t or f */
}

static const char *pg_text(const struct db_rows *r, int column)
{
	return pg_null(r, column) ? NULL : PQgetvalue(r->result, (int)r->row, column);
}

static const void *pg_blob(struct db_rows *r, int column, size_t *len)
{
	unsigned char *bytes;
	char *copy;

	*len = 0;
	if (pg_null(r, column))
		return NULL;
	bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r->result, (int)r->row, column), len);
	if (!bytes)
		abort();
	copy = arena_alloc(&r->arena, *len + 1);
	memcpy(copy, bytes, *len);
	PQfreemem(bytes);
	return copy;
}

static bool pg_begin(struct db *d, bool reading)
{
	return postgres_run(d, reading ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN ISOLATION LEVEL READ COMMITTED");
}

/* A COMMIT that gets no answer may have happened. Neither may be believed that says ROLLBACK: that is how a failed transaction answers. */
static bool pg_commit(struct db *d)
{
	PGresult *result = PQsendQuery(d->connection, "COMMIT") ? postgres_result(d) : postgres_lost(d);
	bool good = postgres_good(d, result);

	if (good && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		good = db_fail(d, DB_WRONG, "the transaction had failed");
	else if (!good)
		d->uncertain = d->failure != DB_BUSY && d->failure != DB_VIOLATED && d->failure != DB_WRONG;
	PQclear(result);
	return good;
}

static void pg_rollback(struct db *d)
{
	enum db_failure failure = d->failure;
	char why[sizeof d->why];

	if (PQtransactionStatus(d->connection) == PQTRANS_IDLE)
		return;
	memcpy(why, d->why, sizeof why);
	if (!postgres_run(d, "ROLLBACK")) /* whatever state it is in, a new one is clean */
		db_disconnect(d);
	d->failure = failure;
	memcpy(d->why, why, sizeof why);
}

#define SCRUB_MS 3600000 /* a large table's VACUUM takes its time, and stands in nobody's way */

static bool pg_scrub(struct db *d, const char *table)
{
	char sql[100], why[sizeof d->why];
	int patience_ms = d->patience_ms;
	enum db_failure failure;
	bool good;

	snprintf(sql, sizeof sql, "VACUUM %s", table);
	d->patience_ms = SCRUB_MS;
	good = postgres_run(d, "SET statement_timeout=0") && postgres_run(d, sql);
	d->patience_ms = patience_ms;
	failure = d->failure;
	memcpy(why, d->why, sizeof why);
	snprintf(sql, sizeof sql, "SET statement_timeout=%d", patience_ms);
	if (failure == DB_LOST && !good)
		return false;
	if (!postgres_run(d, sql)) /* a new one has it */
		db_disconnect(d);
	d->failure = failure;
	memcpy(d->why, why, sizeof why);
	return good;
}

const struct db_driver db_postgres = {
	.dialect = "postgres",
	.connect = postgres_connect,
	.disconnect = postgres_disconnect,
	.alive = postgres_alive,
	.prepare = pg_prepare,
	.forget = pg_forget,
	.start = pg_start,
	.next = pg_next,
	.end = pg_end,
	.null = pg_null,
	.integer = pg_integer,
	.text = pg_text,
	.blob = pg_blob,
	.run = postgres_run,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.scrub = pg_scrub,
};
