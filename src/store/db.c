/* One connection: its prepared statements, single statements and rows. Transactions are in db_tx.c, the databases in db_sqlite.c and db_postgres.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/db_retry.h"

#define GATE_MS 500  /* after all tries to connect failed, others don't wait for so long */
#define HANGS_MS 100 /* a server that is there but not ready, or nobody at all, says so sooner */

bool db_fail(struct db *d, enum db_failure failure, const char *format, ...)
{
	va_list args;

	d->failure = failure;
	va_start(args, format);
	vsnprintf(d->why, sizeof d->why, format, args);
	va_end(args);
	d->why[strcspn(d->why, "\r\n")] = '\0';
	return false;
}

enum err db_failed(const struct db *d)
{
	switch (d->failure) {
	case DB_FINE: return OK;
	case DB_VIOLATED: return ERR_CONFLICT;
	case DB_WRONG: return ERR_INTERNAL;
	case DB_BUSY:
	case DB_LOST:
	case DB_BROKEN: break;
	}
	return ERR_STORE_UNAVAILABLE;
}

/* ---- connections ---- */

enum err db_new(struct db **out, const char *address, int patience_ms)
{
	char *given = address ? strdup(address) : db_address();
	bool lite = given && strncmp(given, "sqlite:", 7) == 0 && given[7] != '\0';
	bool postgres = given && (strncmp(given, "postgres://", 11) == 0 || strncmp(given, "postgresql://", 13) == 0);
	struct db *d;

	if (!lite && !postgres) {
		free(given);
		return ERR_BAD_REQUEST;
	}
	d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->driver = lite ? &db_sqlite : &db_postgres;
	d->patience_ms = patience_ms;
	d->address = given;
	if (lite)
		memmove(given, given + 7, strlen(given + 7) + 1);
	*out = d;
	return OK;
}

static void statement_free(struct db *d, struct db_statement *s)
{
	if (s->handle)
		d->driver->forget(d, s->handle);
	free(s->sql);
	free(s);
}

/* Forgets all that was prepared; what has rows open lives until db_rows_done. */
static void drop_statements(struct db *d)
{
	for (int i = 0; i < d->statement_count; i++) {
		struct db_statement *s = d->statements[i];
		s->kept = false;
		if (!s->busy)
			statement_free(d, s);
	}
	d->statement_count = 0;
	d->stale = false;
}

void db_disconnect(struct db *d)
{
	if (!d->connection)
		return;
	d->closing = true;
	drop_statements(d);
	d->driver->disconnect(d);
	d->connection = NULL;
	d->closing = false;
}

void db_free(struct db *d)
{
	if (!d)
		return;
	db_disconnect(d);
	free(d->address);
	free(d);
}

bool db_ready(struct db *d)
{
	if (d->connection && !d->driver->alive(d))
		db_disconnect(d);
	if (d->connection) {
		if (d->stale)
			drop_statements(d);
		return true;
	}
	int64_t since = clock_mono_ms();
	bool connected = d->driver->connect(d);
	d->hangs = !connected && clock_mono_ms() - since >= HANGS_MS;
	if (connected)
		d->connect_after_ms = 0;
	return connected;
}

bool db_gate(struct db *d)
{
	d->failure = DB_FINE;
	d->uncertain = false;
	d->hurried = !d->connection && clock_mono_ms() < d->connect_after_ms;
	if (d->hurried && d->hangs) {
		d->failure = DB_LOST; /* why says what it was */
		return false;
	}
	return true;
}

bool db_again(struct db *d, int attempt, int64_t since_ms)
{
	unsigned char random;
	int64_t pause_ms = attempt == 0 ? 20 : attempt == 1 ? 100 : 500, left = since_ms + d->patience_ms - clock_mono_ms();

	if (d->failure == DB_LOST)
		db_disconnect(d);
	if (d->failure == DB_LOST && d->hurried) {
		d->connect_after_ms = clock_mono_ms() + GATE_MS;
		return false;
	}
	id_random(&random, 1);
	pause_ms += pause_ms * (random - 128) / 256;
	if (d->uncertain || (d->failure != DB_BUSY && d->failure != DB_LOST) || attempt >= DB_RETRIES || left < pause_ms) {
		if (d->failure == DB_LOST && !d->connection && attempt >= DB_RETRIES)
			d->connect_after_ms = clock_mono_ms() + GATE_MS;
		return false;
	}
	db_sleep_ms(pause_ms);
	return true;
}

bool db_is_postgres(const struct db *d)
{
	return d->driver == &db_postgres;
}

const char *db_why(const struct db *d)
{
	return d->failure == DB_FINE ? "" : d->why;
}

bool db_uncertain(const struct db *d)
{
	return d->uncertain;
}

/* ---- statements ---- */

/* Makes room for one more: the one unused longest goes. */
static bool make_room(struct db *d)
{
	int oldest = -1;

	if (d->statement_count < DB_STATEMENTS)
		return true;
	for (int i = 0; i < d->statement_count; i++)
		if (!d->statements[i]->busy && (oldest < 0 || d->statements[i]->used < d->statements[oldest]->used))
			oldest = i;
	if (oldest < 0)
		return false;
	statement_free(d, d->statements[oldest]);
	d->statements[oldest] = d->statements[--d->statement_count];
	return true;
}

/* The statement for this text, prepared; NULL: it cannot be. */
static struct db_statement *statement_get(struct db *d, const char *sql, const struct db_value *args, int count)
{
	uint64_t hash = id_fnv(sql, strlen(sql));
	struct db_statement *s;
	bool taken = false;
	char *text;

	for (int i = 0; i < d->statement_count; i++) {
		s = d->statements[i];
		if (s->hash != hash || strcmp(s->sql, sql) != 0)
			continue;
		taken = s->busy;
		if (!taken)
			return s;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		abort();
	text = db_sql(sql, d->driver->dialect);
	s->handle = d->driver->prepare(d, text, args, count);
	free(text);
	if (!s->handle) {
		free(s);
		return NULL;
	}
	s->sql = strdup(sql);
	if (!s->sql)
		abort();
	s->hash = hash;
	s->kept = !taken && make_room(d);
	if (s->kept)
		d->statements[d->statement_count++] = s;
	return s;
}

static void statement_release(struct db *d, struct db_statement *s)
{
	s->busy = false;
	if (!s->kept)
		statement_free(d, s);
}

/* A statement that can be repeated whatever became of it. */
static bool only_reads(const char *sql)
{
	return strncmp(sql, "SELECT", 6) == 0;
}

/* Starts it once. False: d->failure, nothing is open. */
static bool start_once(struct db_rows *r, const char *sql, const struct db_value *args, int count)
{
	struct db *d = r->db;

	if (d->depth == 0 && !db_ready(d))
		return false;
	r->statement = statement_get(d, sql, args, count);
	if (!r->statement)
		return false;
	r->statement->used = ++d->tick;
	r->statement->busy = true;
	r->row = -1;
	if (d->driver->start(r, args, count))
		return true;
	if (d->failure == DB_LOST && d->depth == 0 && !only_reads(sql) && !d->refused)
		d->uncertain = true;
	d->driver->end(r, NULL);
	statement_release(d, r->statement);
	r->statement = NULL;
	return false;
}

static enum err start(struct db_rows *r, const char *sql, const struct db_value *args, int count)
{
	struct db *d = r->db;
	int64_t since = clock_mono_ms();

	if (d->depth > 0 ? d->failure != DB_FINE : !db_gate(d))
		return db_failed(d);
	for (int attempt = 0; !start_once(r, sql, args, count); attempt++) {
		if (d->depth > 0 || !db_again(d, attempt, since))
			return db_failed(d);
		d->failure = DB_FINE;
	}
	return OK;
}

/* Ends it; the first error wins. */
static enum err finish(struct db_rows *r, int64_t *changed)
{
	struct db *d = r->db;

	if (r->statement) {
		if (!d->driver->end(r, changed) && r->err == OK)
			r->err = db_failed(d);
		if (d->failure == DB_LOST && d->depth == 0)
			db_disconnect(d);
		statement_release(d, r->statement);
		r->statement = NULL;
	}
	arena_done(&r->arena);
	return r->err;
}

enum err db_exec(struct db *d, int64_t *changed, const char *sql, const struct db_value *args, int count)
{
	struct db_rows r = {.db = d};
	int64_t n = 0;
	enum err e;

	arena_init(&r.arena);
	r.err = start(&r, sql, args, count);
	e = finish(&r, &n);
	if (changed)
		*changed = n;
	return e;
}

void db_query(struct db_rows *r, struct db *d, const char *sql, const struct db_value *args, int count)
{
	*r = (struct db_rows){.db = d};
	arena_init(&r->arena);
	r->err = start(r, sql, args, count);
}

bool db_rows_next(struct db_rows *r)
{
	if (r->err != OK || !r->statement)
		return false;
	arena_done(&r->arena);
	if (r->db->driver->next(r)) {
		r->given = true;
		return true;
	}
	r->err = db_failed(r->db);
	return false;
}

enum err db_rows_done(struct db_rows *r)
{
	return finish(r, NULL);
}

enum err db_rows_found(struct db_rows *r)
{
	enum err e = finish(r, NULL);

	return e == OK && !r->given ? ERR_NOT_FOUND : e;
}

bool db_rows_null(const struct db_rows *r, int column)
{
	return r->db->driver->null(r, column);
}

int64_t db_rows_int(const struct db_rows *r, int column)
{
	return r->db->driver->integer(r, column);
}

const char *db_rows_text(const struct db_rows *r, int column)
{
	return r->db->driver->text(r, column);
}

const char *db_rows_word(const struct db_rows *r, int column)
{
	const char *s = db_rows_text(r, column);

	return s ? s : "";
}

const void *db_rows_blob(struct db_rows *r, int column, size_t *len)
{
	return r->db->driver->blob(r, column, len);
}

char *db_rows_keep(const struct db_rows *r, int column, struct arena *a)
{
	return arena_strdup(a, db_rows_text(r, column));
}

enum err db_each(
	struct db *d, enum err (*row)(void *ctx, struct db_rows *r), void *ctx, const char *sql, const struct db_value *args, int count)
{
	struct db_rows r;
	enum err e = OK, failed;

	db_query(&r, d, sql, args, count);
	while (e == OK && db_rows_next(&r))
		e = row(ctx, &r);
	failed = db_rows_done(&r);
	return e != OK ? e : failed;
}

enum err db_number(struct db *d, int64_t *out, const char *sql, const struct db_value *args, int count)
{
	struct db_rows r;

	*out = 0;
	db_query(&r, d, sql, args, count);
	if (db_rows_next(&r))
		*out = db_rows_int(&r, 0);
	return db_rows_done(&r);
}

enum err db_ping(struct db *d)
{
	int64_t one;

	return db_number(d, &one, "SELECT 1", DB_NONE);
}
