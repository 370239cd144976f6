/* Between db_postgres.c and db_postgres_wire.c. */
#ifndef STORE_DB_POSTGRES_H
#define STORE_DB_POSTGRES_H

#include <libpq-fe.h>

#include "store/db_retry.h"

bool postgres_connect(struct db *d);
void postgres_disconnect(struct db *d);
bool postgres_alive(struct db *d);

/* The outcome of what was sent, to be PQclear'd; NULL (d->failure says why): the connection broke, or the patience ended. */
PGresult *postgres_result(struct db *d);

/* Notes that the connection broke; returns NULL. */
PGresult *postgres_lost(struct db *d);

/* True for a success; else notes which failure it is. Takes NULL (noted already). */
bool postgres_good(struct db *d, const PGresult *result);

/* Statements without parameters. */
bool postgres_run(struct db *d, const char *sql);

#endif
