/* Brings the database to the schema of this program: the files of sql/, embedded at build, forward only, each in a transaction of its own, recorded
 * with a checksum in schema_migrations. Any number of hosts and processes may do it at once: one works, the others wait and find it done.
 * Called by `room migrate` and `room up`; blocks. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stdbool.h>
#include <stdint.h>
#include "store/db.h"
#include "store/sql.h"

struct migrate_state {
	int number;         /* 1, 2 … */
	const char *name;   /* "ledger" */
	int64_t applied_at; /* 0: pending */
	bool altered;       /* applied, but from another text than ours */
};

struct migrate_report {
	struct migrate_state *list;  /* ours, in order; lives in the arena given */
	int count, applied, pending; /* applied: by this call */
	int newest;                  /* highest number that the database has recorded; above ours: it belongs to a newer program */
};

/* Applies what is pending. ERR_CONFLICT: an applied migration was altered, or the database is newer than this program (the report says which);
 * nothing was done then. Else as db.h: db_why(d) says more. d should have patience (a minute). */
enum err migrate_run(struct db *d, struct arena *a, struct migrate_report *out) MUST_CHECK;

/* Looks only, and changes nothing: everything is pending in an empty database. */
enum err migrate_look(struct db *d, struct arena *a, struct migrate_report *out) MUST_CHECK;

/* The same for another list of files, for tests. */
enum err migrate_run_from(
	struct db *d, struct arena *a, const struct sql_source *sources, size_t count, struct migrate_report *out) MUST_CHECK;
enum err migrate_look_from(
	struct db *d, struct arena *a, const struct sql_source *sources, size_t count, struct migrate_report *out) MUST_CHECK;

#endif
