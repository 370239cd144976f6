/* See people.h. */
#include "store/people.h"

#define SEEN_EACH_MS 86400000 /* how exactly seen_at is kept */

/* Looked at first: a write, even one that changes nothing, waits for the one writer that SQLite has. */
static enum err known(struct db *d, const char *id, const char *name, int64_t now, int64_t *found)
{
	return db_number(d, found, "SELECT COUNT(*) FROM people WHERE id = $1 AND seen_at > $2 AND ($3 = '' OR name = $3)",
		DB_ARGS(db_text(id), db_int(now - SEEN_EACH_MS), db_text(name)));
}

enum err people_seen(struct db *d, const char *id, const char *name, int64_t now)
{
	int64_t found = 0;
	enum err e = known(d, id, name, now, &found);

	if (e != OK || found)
		return e;
	return db_exec(d, NULL,
		"INSERT INTO people (id, name, seen_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, "
		"name = CASE WHEN excluded.name = '' THEN people.name ELSE excluded.name END",
		DB_ARGS(db_text(id), db_text(name), db_int(now)));
}

enum err people_rename(struct db *d, const char *id, const char *name)
{
	return db_exec(d, NULL, "UPDATE people SET name = $2 WHERE id = $1", DB_ARGS(db_text(id), db_text(name)));
}

enum err people_name(struct db *d, struct arena *a, const char *id, const char **name)
{
	struct db_rows r;

	*name = "";
	db_query(&r, d, "SELECT name FROM people WHERE id = $1", DB_ARGS(db_text(id)));
	if (db_rows_next(&r))
		*name = db_rows_keep(&r, 0, a);
	return db_rows_done(&r);
}
