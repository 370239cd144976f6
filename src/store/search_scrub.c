/* After something was edited or deleted: nothing of it stays in the file. See search.h; triggers note that there was something (search_gone). */
#include <string.h>

#include "store/search.h"

#define PAGES "-64" /* of the index, rewritten at a time: a write of some 10 ms */

static enum err take(struct db *d, void *unused)
{
	enum err e;

	(void)unused;
	if (db_is_postgres(d))
		return db_exec(d, NULL, "UPDATE search_gone SET state = 1 WHERE state = 0", DB_NONE);
	e = db_exec(d, NULL, "INSERT OR IGNORE INTO search_gone (n, state) SELECT n, 1 FROM search_gone WHERE state = 0", DB_NONE);
	return e == OK ? db_exec(d, NULL, "DELETE FROM search_gone WHERE state = 0", DB_NONE) : e;
}

/* FTS5 keeps the words of what was deleted, beside a note that it was, until all its parts are merged into one (sqlite.org/fts5.html §6.7, a negative 'merge'). */
static enum err merge(struct db *d, const char *sql, bool *more)
{
	int64_t before, after = 0;
	enum err e = db_number(d, &before, "SELECT total_changes()", DB_NONE);

	if (e == OK)
		e = db_exec(d, NULL, sql, DB_NONE);
	if (e == OK)
		e = db_number(d, &after, "SELECT total_changes()", DB_NONE);
	*more = e == OK && after - before >= 2;
	return e;
}

enum err search_scrub_begin(struct db *d, bool *some)
{
	int64_t rows;
	enum err e = db_number(d, &rows, "SELECT 1 FROM search_gone LIMIT 1", DB_NONE);

	*some = e == OK && rows > 0;
	return *some ? db_write(d, take, NULL) : e;
}

enum err search_scrub_step(struct db *d, bool *more)
{
	enum err e;

	*more = false;
	if (db_is_postgres(d))
		return OK;
	e = merge(d, "INSERT INTO search_messages (search_messages, rank) VALUES ('merge', " PAGES ")", more);
	if (e == OK && !*more)
		e = merge(d, "INSERT INTO search_conversations (search_conversations, rank) VALUES ('merge', " PAGES ")", more);
	return e;
}

enum err search_scrub_end(struct db *d)
{
	static const char *const tables[] = {"entries", "search_titles"};
	enum err e = OK;

	/* SQLite has one log for all of them. */
	for (size_t i = 0; e == OK && i < (db_is_postgres(d) ? 2 : 1); i++)
		e = db_scrub(d, tables[i]);
	return e == OK ? db_exec(d, NULL, "DELETE FROM search_gone WHERE state = 1", DB_NONE) : e;
}

enum err search_scrub_rows(struct db *d)
{
	int64_t some = 0;
	enum err e = db_is_postgres(d) ? OK : db_number(d, &some, "SELECT 1 FROM search_gone LIMIT 1", DB_NONE);

	return e == OK && some > 0 ? db_scrub(d, "entries") : e;
}
