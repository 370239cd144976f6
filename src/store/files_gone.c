/* How files end: see files.h. */
#include "store/files_row.h"

void file_row_read(struct file_row *out, const struct db_rows *r, struct arena *a)
{
	*out = (struct file_row){
		.id = db_rows_keep(r, 0, a),
		.conversation = db_rows_keep(r, 1, a),
		.blob = db_rows_keep(r, 2, a),
		.owner = db_rows_keep(r, 3, a),
		.session = db_rows_int(r, 4) != 0,
		.message = db_rows_int(r, 5),
		.size = db_rows_int(r, 6),
		.hash = db_rows_keep(r, 7, a),
		.sealed_with = db_rows_keep(r, 8, a),
		.shown = db_rows_keep(r, 9, a),
		.at = db_rows_int(r, 10),
		.outside = db_rows_int(r, 11) != 0,
	};
}

enum err files_release(struct db *d, const char *conversation, int64_t message, int64_t now)
{
	return db_exec(d, NULL, FILES_GONE " WHERE conversation = $2 AND message = $3 AND state <> 'gone'",
		DB_ARGS(db_int(now), db_text(conversation), db_int(message)));
}

enum err files_release_to(struct db *d, const char *conversation, int64_t message, int64_t now)
{
	return db_exec(d, NULL, FILES_GONE " WHERE conversation = $2 AND message > 0 AND message <= $3 AND state <> 'gone'",
		DB_ARGS(db_int(now), db_text(conversation), db_int(message)));
}

enum err files_release_all(struct db *d, const char *conversation, int64_t now)
{
	return db_exec(
		d, NULL, FILES_GONE " WHERE conversation = $2 AND session = 0 AND state <> 'gone'", DB_ARGS(db_int(now), db_text(conversation)));
}

enum err files_known(struct db *d, const char *blob, bool *known)
{
	int64_t n = 0;
	enum err e = db_number(d, &n, "SELECT 1 FROM files WHERE blob = $1 LIMIT 1", DB_ARGS(db_text(blob)));

	*known = n > 0;
	return e;
}

enum err files_mark_gone(struct db *d, const char *id, int64_t now)
{
	return db_exec(d, NULL, FILES_GONE " WHERE id = $2", DB_ARGS(db_int(now), db_text(id)));
}

enum err files_expire(struct db *d, int64_t unsent_before, int64_t come_before, int64_t now, int64_t *count)
{
	return db_exec(d, count,
		FILES_GONE " WHERE session = 0 AND ((state = 'kept' AND message = 0 AND at < $2) OR (state = 'coming' AND at < $3))",
		DB_ARGS(db_int(now), db_int(unsent_before), db_int(come_before)));
}

enum err files_gone(struct db *d, struct arena *a, int64_t now, int most, struct file_gone **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(&r, d,
		"SELECT " FILE_COLUMNS ", (SELECT count(*) FROM files o WHERE o.blob = files.blob AND o.state <> 'gone'), tries FROM files "
		"WHERE state = 'gone' AND (state <> 'kept' OR message = 0) AND (tries = 0 OR at <= $2) ORDER BY at LIMIT $1",
		DB_ARGS(db_int(most), db_int(now)));
	while (db_rows_next(&r)) {
		struct file_gone *g = &(*out)[(*count)++];
		file_row_read(&g->row, &r, a);
		g->needed = db_rows_int(&r, 12) > 0;
		g->tries = db_rows_int(&r, 13);
	}
	return db_rows_done(&r);
}

enum err files_put_off(struct db *d, const char *id, int64_t until)
{
	return db_exec(
		d, NULL, "UPDATE files SET tries = tries + 1, at = $2 WHERE id = $1 AND state = 'gone'", DB_ARGS(db_text(id), db_int(until)));
}

enum err files_outside(struct db *d, int64_t *count)
{
	return db_number(d, count, "SELECT count(*) FROM files WHERE outside = 1", DB_NONE);
}

enum err files_forget(struct db *d, const char *id)
{
	return db_exec(d, NULL, "DELETE FROM files WHERE id = $1 AND state = 'gone'", DB_ARGS(db_text(id)));
}

enum err files_of_sessions(struct db *d, struct arena *a, const char *after, int most, struct file_row **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(&r, d, "SELECT " FILE_COLUMNS " FROM files WHERE session = 1 AND state <> 'gone' AND id > $1 ORDER BY id LIMIT $2",
		DB_ARGS(db_text(after), db_int(most)));
	while (db_rows_next(&r))
		file_row_read(&(*out)[(*count)++], &r, a);
	return db_rows_done(&r);
}
