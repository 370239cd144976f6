/* Between db.c (what is common: statements kept, retries, transactions) and the two drivers. Nobody else includes this. */
#ifndef STORE_DB_DRIVER_H
#define STORE_DB_DRIVER_H

#include "store/db.h"

/* What failed, as it matters for going on. */
enum db_failure {
	DB_FINE,
	DB_BUSY,     /* a lock, a deadlock, a serialization failure: nothing was done, again may help */
	DB_LOST,     /* no connection (any more) */
	DB_VIOLATED, /* a unique or foreign key */
	DB_BROKEN,   /* disk full, not writable, too slow … */
	DB_WRONG,    /* the statement is */
};

struct db_statement {
	char *sql; /* as the caller wrote it */
	uint64_t hash;
	void *handle; /* the driver's; NULL when the connection is gone */
	int64_t used; /* tick of the last use */
	bool busy;    /* rows are open */
	bool kept;    /* in the connection's list */
};

#define DB_STATEMENTS 128 /* kept per connection */

struct db {
	const struct db_driver *driver;
	char *address; /* without the driver's prefix for SQLite, whole for PostgreSQL */
	int patience_ms;
	void *connection; /* the driver's; NULL: not connected */
	struct db_statement *statements[DB_STATEMENTS];
	int statement_count;
	int64_t tick;
	int depth;               /* 0: no transaction; above 1: savepoints */
	bool reading;            /* the transaction is db_read's */
	enum db_failure failure; /* of the last call; in a transaction it stays until its end */
	bool stale;              /* kept statements don't fit the schema any more */
	bool closing;            /* the connection is being given up: nothing more is sent on it */
	bool ending;             /* the server has said that it ends the connection */
	bool uncertain;
	bool refused; /* lost, and the server has said so instead of carrying the statement out */
	int64_t
		connect_after_ms; /* clock_mono_ms: until then a new call tries once and does not wait; where connecting hangs, it fails at once */
	bool hangs;           /* the last try to connect took its time */
	bool hurried;         /* this call tries but once */
	char why[200];
};

struct db_driver {
	const char *dialect; /* "sqlite", "postgres": as braces in SQL name it */
	bool (*connect)(struct db *d);
	void (*disconnect)(struct db *d); /* all statements have been forgotten */
	bool (*alive)(struct db *d);      /* an idle connection; never blocks */
	void *(*prepare)(struct db *d, const char *sql, const struct db_value *args, int count);
	void (*forget)(struct db *d, void *handle);
	bool (*start)(struct db_rows *r, const struct db_value *args, int count); /* up to the first row */
	bool (*next)(struct db_rows *r);                                          /* false: no more, or failed (d->failure) */
	bool (*end)(struct db_rows *r, int64_t *changed);                         /* always called after start; false: failed */
	bool (*null)(const struct db_rows *r, int column);
	int64_t (*integer)(const struct db_rows *r, int column);
	const char *(*text)(const struct db_rows *r, int column);
	const void *(*blob)(struct db_rows *r, int column, size_t *len);
	bool (*run)(struct db *d, const char *sql); /* statements without parameters or rows */
	bool (*begin)(struct db *d, bool reading);
	bool (*commit)(struct db *d); /* false: failed; d->uncertain when it may have happened */
	void (*rollback)(struct db *d);
	bool (*scrub)(struct db *d, const char *table);
};

extern const struct db_driver db_sqlite, db_postgres;

/* Notes a failure; returns false. */
bool db_fail(struct db *d, enum db_failure failure, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* SQL with the braces of that dialect opened and the other's left out. To be freed. */
char *db_sql(const char *sql, const char *dialect);

#endif
