/* The files of sql/, embedded at build, sorted by name (tools/embed-sql writes the table). Read-only. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <stddef.h>

struct sql_source {
	int number;          /* 0001_ledger.sql: 1 */
	const char *name;    /* "ledger" */
	const char *dialect; /* "sqlite" or "postgres" when it is for one of them: 0002_search.sqlite.sql; "" for both */
	const char *text;
	size_t len;
};

extern const struct sql_source sql_sources[];
extern const size_t sql_source_count;

#endif
