/* The connection to PostgreSQL: made, watched, waited on with a deadline; what its error codes mean. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/db_postgres.h"

#define GRACE_MS 1000 /* the server's own time-out comes first */

/* The server ends the connection: nothing more comes. */
static bool is_farewell(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity && strcmp(severity, "FATAL") == 0;
}

/* A server that is shut down says 57P01 instead of an answer; the answer to a statement alone is sent before it is committed (exec_execute_message in
 * PostgreSQL's postgres.c), so without one nothing has happened. Other farewells (57P02: a crash) come at any time. */
static bool is_refusal(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state && strcmp(state, "57P01") == 0;
}

/* libpq would print notices to standard error. What the server says without being asked comes as one too, a farewell also. */
static void notice(void *ctx, const PGresult *result)
{
	struct db *d = ctx;

	d->ending |= is_farewell(result);
}

PGresult *postgres_lost(struct db *d)
{
	const char *why = PQerrorMessage(d->connection);

	db_fail(d, DB_LOST, "postgres: %s", *why ? why : "the connection broke");
	return NULL;
}

/* Sends what waits and reads until libpq has a whole result. */
static bool wait_for_result(struct db *d, int64_t deadline)
{
	PGconn *c = d->connection;

	for (;;) {
		int unsent = PQflush(c);
		struct pollfd p = {.fd = PQsocket(c), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))};
		int64_t left = deadline - clock_mono_ms();
		if (unsent < 0)
			return postgres_lost(d), false;
		if (unsent == 0 && !PQisBusy(c))
			return true;
		if (left <= 0)
			return db_fail(d, DB_LOST, "postgres: no answer within %d ms", d->patience_ms + GRACE_MS);
		if (poll(&p, 1, (int)left) > 0 && (p.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(c))
			return postgres_lost(d), false;
	}
}

PGresult *postgres_result(struct db *d)
{
	int64_t deadline = clock_mono_ms() + d->patience_ms + GRACE_MS;
	PGresult *kept = NULL;

	d->refused = false;
	for (;;) {
		PGresult *result;
		if (!wait_for_result(d, deadline)) {
			PQclear(kept);
			return NULL;
		}
		result = PQgetResult(d->connection);
		if (!result)
			return kept ? kept : postgres_lost(d);
		if (is_farewell(result)) {
			d->refused = !kept && is_refusal(result);
			PQclear(kept);
			return result;
		}
		/* Of several statements the first error counts, else the last outcome. */
		if (PQresultStatus(kept) == PGRES_FATAL_ERROR && kept) {
			PQclear(result);
		} else {
			PQclear(kept);
			kept = result;
		}
	}
}

/* postgresql.org/docs/15/errcodes-appendix.html */
static enum db_failure failure_of(struct db *d, const char *state, const PGresult *result)
{
	static const struct {
		const char *prefix;
		enum db_failure failure;
	} table[] = {
		{"40001", DB_BUSY},
		{"40P01", DB_BUSY},
		{"55P03", DB_BUSY},
		{"23505", DB_VIOLATED},
		{"23503", DB_VIOLATED},
		{"23P01", DB_VIOLATED},
		{"08P01", DB_WRONG}, /* the number of parameters */
		{"08", DB_LOST},
		{"57P", DB_LOST},
		{"25006", DB_LOST}, /* it has become a standby: look for the new one */
		{"57014", DB_BROKEN},
		{"53", DB_BROKEN},
		{"58", DB_BROKEN},
		{"XX", DB_BROKEN},
	};

	if (PQstatus(d->connection) == CONNECTION_BAD || !state || is_farewell(result))
		return DB_LOST;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0)
			return table[i].failure;
	/* Someone migrated, or a pooler gave us another server process: prepared anew, it works. */
	if (strcmp(state, "26000") == 0 || (strcmp(state, "0A000") == 0 && strstr(PQresultErrorMessage(result), "cached plan"))) {
		d->stale = true;
		return DB_BUSY;
	}
	return DB_WRONG;
}

bool postgres_good(struct db *d, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	const char *state, *message, *where;
	enum db_failure failure;

	if (!result)
		return false;
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
		return true;
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	where = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	failure = failure_of(d, state, result);
	/* Class 22 is about values, and quotes them. */
	if (state && strncmp(state, "22", 2) == 0)
		message = "a value does not fit";
	return db_fail(d, failure, "postgres %s: %s", state ? state : "-", where ? where : message ? message : "the connection broke");
}

bool postgres_run(struct db *d, const char *sql)
{
	PGresult *result = PQsendQuery(d->connection, sql) ? postgres_result(d) : postgres_lost(d);
	bool good = postgres_good(d, result);

	PQclear(result);
	return good;
}

bool postgres_connect(struct db *d)
{
	char user_timeout[16], settings[400];
	/* What the address says itself comes later and wins. */
	const char *names[] = {"application_name", "connect_timeout", "keepalives_idle", "tcp_user_timeout", "dbname", NULL};
	const char *values[] = {"reading-room", "3", "30", user_timeout, d->address, NULL};
	PGconn *c;

	snprintf(user_timeout, sizeof user_timeout, "%d", d->patience_ms);
	c = PQconnectdbParams(names, values, 1);
	if (!c)
		abort();
	d->connection = c;
	d->ending = false;
	PQsetNoticeReceiver(c, notice, d);
	if (PQstatus(c) != CONNECTION_OK || PQsetnonblocking(c, 1) != 0) {
		postgres_lost(d);
		goto failed;
	}
	snprintf(settings, sizeof settings,
		"SET statement_timeout=%d; SET lock_timeout=%d; SET idle_in_transaction_session_timeout=60000;"
		"SET client_encoding='UTF8'; SET TimeZone='UTC'; SET bytea_output='hex'; SET standard_conforming_strings=on",
		d->patience_ms, d->patience_ms / 4 + 1);
	if (postgres_run(d, settings))
		return true;
failed:
	PQfinish(c);
	d->connection = NULL;
	return false;
}

void postgres_disconnect(struct db *d)
{
	PQfinish(d->connection);
}

/* Between calls the server says nothing, unless it ends the connection: it says so, and closes it a moment later. */
bool postgres_alive(struct db *d)
{
	struct pollfd p = {.fd = PQsocket(d->connection), .events = POLLIN};

	if (PQstatus(d->connection) != CONNECTION_OK)
		return false;
	while (poll(&p, 1, 0) > 0)
		if (!PQconsumeInput(d->connection) || PQstatus(d->connection) != CONNECTION_OK)
			return false;
	return !PQisBusy(d->connection) && !d->ending; /* PQisBusy reads what has come: see notice() */
}
