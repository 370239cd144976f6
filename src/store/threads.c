/* See threads.h. Called by chat/thread. */
#include "store/threads.h"

#define COLUMNS "id, title, made_by, parent, root, made_at, last_at, messages"

static struct thread read_thread(const struct db_rows *r, struct arena *a)
{
	return (struct thread){.id = db_rows_keep(r, 0, a),
		.title = db_rows_keep(r, 1, a),
		.made_by = db_rows_keep(r, 2, a),
		.parent = db_rows_keep(r, 3, a),
		.root = db_rows_int(r, 4),
		.made_at = db_rows_int(r, 5),
		.last_at = db_rows_int(r, 6),
		.messages = db_rows_int(r, 7)};
}

enum err threads_make(struct db *d, const struct conversation *c, const struct thread *t)
{
	return db_exec(d, NULL,
		"INSERT INTO threads (conversation, id, parent, root, title, made_by, made_at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
		DB_ARGS(db_int(c->n), db_text(t->id), db_text(t->parent), db_time(t->root), db_text(t->title), db_text(t->made_by),
			db_int(t->made_at)));
}

enum err threads_get(struct db *d, struct arena *a, const struct conversation *c, const char *id, struct thread *out)
{
	struct db_rows r;

	db_query(&r, d, "SELECT " COLUMNS " FROM threads WHERE conversation = $1 AND id = $2", DB_ARGS(db_int(c->n), db_text(id)));
	if (db_rows_next(&r))
		*out = read_thread(&r, a);
	return db_rows_found(&r);
}

enum err threads_list(struct db *d, struct arena *a, const struct conversation *c, const char *parent, int64_t after_at,
	const char *after_id, int most, struct thread **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(&r, d,
		"SELECT " COLUMNS " FROM threads WHERE conversation = $1 AND (last_at, id) < ($2, $3) "
		"AND (CAST($4 AS TEXT) IS NULL OR COALESCE(parent, '') = $4) ORDER BY last_at DESC, id DESC LIMIT $5",
		DB_ARGS(db_int(c->n), db_int(after_at > 0 ? after_at : INT64_MAX), db_text(after_id), db_text(parent), db_int(most)));
	while (*count < most && db_rows_next(&r))
		(*out)[(*count)++] = read_thread(&r, a);
	return db_rows_done(&r);
}
