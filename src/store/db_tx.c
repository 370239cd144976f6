/* Transactions: begun, run, committed or rolled back; tried again when that can help and cannot harm. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/db_retry.h"

void db_sleep_ms(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* fn in one transaction, once. */
static enum err attempt_once(struct db *d, bool reading, enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	enum err e;

	if (!db_ready(d) || !d->driver->begin(d, reading))
		return db_failed(d);
	d->depth = 1;
	d->reading = reading;
	e = fn(d, ctx);
	if (d->failure != DB_FINE)
		e = db_failed(d); /* also when fn overlooked it */
	if (e == OK && !d->driver->commit(d))
		e = db_failed(d);
	if (e != OK && d->connection && !d->uncertain)
		d->driver->rollback(d);
	d->depth = 0;
	d->reading = false;
	return e;
}

static enum err transaction(struct db *d, bool reading, enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	int64_t since = clock_mono_ms();

	if (!db_gate(d))
		return db_failed(d);
	for (int attempt = 0;; attempt++) {
		enum err e = attempt_once(d, reading, fn, ctx);
		if (d->failure == DB_FINE)
			return e;
		if (!db_again(d, attempt, since))
			return e;
		d->failure = DB_FINE;
	}
}

static bool savepoint(struct db *d, const char *what)
{
	char sql[64];

	snprintf(sql, sizeof sql, "%s s%d", what, d->depth);
	return d->driver->run(d, sql);
}

/* fn's own error, or a key that said no, undoes what fn did; anything worse undoes the whole transaction, which stays failed. */
static enum err nested(struct db *d, enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	enum err e;

	if (d->failure != DB_FINE)
		return db_failed(d);
	if (d->reading) {
		db_fail(d, DB_WRONG, "writing within db_read");
		return ERR_INTERNAL;
	}
	if (!savepoint(d, "SAVEPOINT"))
		return db_failed(d);
	d->depth++;
	e = fn(d, ctx);
	if (d->failure != DB_FINE)
		e = db_failed(d);
	d->depth--;
	if (d->failure != DB_FINE && d->failure != DB_VIOLATED && d->failure != DB_WRONG)
		return e;
	if (e != OK) {
		enum db_failure failure = d->failure;
		d->failure = DB_FINE;
		if (!savepoint(d, "ROLLBACK TO") || !savepoint(d, "RELEASE"))
			return db_failed(d);
		if (failure == DB_WRONG) /* a mistake in the program is not to be passed over */
			d->failure = failure;
		return e;
	}
	return savepoint(d, "RELEASE") ? OK : db_failed(d);
}

enum err db_write(struct db *d, enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	return d->depth > 0 ? nested(d, fn, ctx) : transaction(d, false, fn, ctx);
}

enum err db_read(struct db *d, enum err (*fn)(struct db *d, void *ctx), void *ctx)
{
	if (d->depth > 0) {
		db_fail(d, DB_WRONG, "db_read within a transaction");
		return ERR_INTERNAL;
	}
	return transaction(d, true, fn, ctx);
}

enum err db_script(struct db *d, const char *sql)
{
	char *text;

	if (d->depth == 0) {
		db_fail(d, DB_WRONG, "db_script outside of a transaction");
		return ERR_INTERNAL;
	}
	if (d->failure != DB_FINE)
		return db_failed(d);
	text = db_sql(sql, d->driver->dialect);
	d->driver->run(d, text);
	free(text);
	d->stale = true;
	return db_failed(d);
}

enum err db_scrub(struct db *d, const char *table)
{
	if (d->depth > 0 || table[strspn(table, "abcdefghijklmnopqrstuvwxyz_")] != '\0') {
		db_fail(d, DB_WRONG, "db_scrub within a transaction, or of no table");
		return ERR_INTERNAL;
	}
	if (!db_gate(d) || !db_ready(d) || !d->driver->scrub(d, table)) {
		if (d->failure == DB_LOST)
			db_disconnect(d);
		return db_failed(d);
	}
	return OK;
}
