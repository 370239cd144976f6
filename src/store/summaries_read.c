/* Looking summaries up, documents opened: see summaries.h. */
#include <string.h>

#include "base/buf.h"
#include "base/seal.h"
#include "store/summaries_row.h"

#define DOCUMENT 12 /* its column, after SUMMARY_COLUMNS */

/* Rows of a list: $2 now, $3 and $4 a place. */
#define LISTED "expires_at > $2 AND created_at <= $3 AND (created_at < $3 OR id > $4) "
#define NEWEST_FIRST "ORDER BY created_at DESC, id "

void summary_row_read(struct summary_row *out, const struct db_rows *r, struct arena *a)
{
	*out = (struct summary_row){.id = db_rows_keep(r, 0, a),
		.conversation = db_rows_keep(r, 1, a),
		.session_at = db_rows_int(r, 2),
		.case_ref = db_rows_keep(r, 3, a),
		.counselor = db_rows_keep(r, 4, a),
		.status = db_rows_keep(r, 5, a),
		.reason = db_rows_keep(r, 6, a),
		.model = db_rows_keep(r, 7, a),
		.created_at = db_rows_int(r, 8),
		.finished_at = db_rows_int(r, 9),
		.expires_at = db_rows_int(r, 10),
		.attempt = db_rows_int(r, 11)};
}

/* A document that no key of ours opens is our fault, not the reader's. */
static enum err read_whole(struct summary_row *out, struct db_rows *r, struct arena *a)
{
	char name[SUMMARY_SEAL_NAME];
	struct buf plain;
	size_t len;
	const void *sealed;
	enum err e = OK;

	summary_row_read(out, r, a);
	sealed = db_rows_blob(r, DOCUMENT, &len);
	if (!sealed)
		return OK;
	summary_seal_name(name, out->id);
	buf_init(&plain, SUMMARIES_DOCUMENT_MAX);
	if (seal_open(&plain, sealed, len, name) != OK)
		e = ERR_INTERNAL;
	if (e == OK) {
		out->document = arena_strndup(a, plain.data ? plain.data : "", plain.len);
		out->document_len = plain.len;
	}
	if (plain.data)
		explicit_bzero(plain.data, plain.len);
	buf_done(&plain);
	return e;
}

bool summaries_locked(enum err e, struct summary_row *row)
{
	if (e != ERR_INTERNAL || !row->id)
		return false;
	if (row->finished_at != 0) { /* else it was asked for again */
		row->status = "failed";
		row->reason = "NO_KEY";
	}
	return true;
}

static enum err one(struct db_rows *r, struct arena *a, struct summary_row *row)
{
	enum err e = OK, found;

	*row = (struct summary_row){0};
	if (db_rows_next(r))
		e = read_whole(row, r, a);
	found = db_rows_found(r);
	return found != OK ? found : e;
}

enum err summaries_get(struct db *d, struct arena *a, const char *conversation, const char *counselor, int64_t now, struct summary_row *row)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " SUMMARY_COLUMNS
		", document FROM summaries WHERE conversation = $1 AND ($2 IS NULL OR counselor = $2) AND expires_at > $3 "
		"ORDER BY session_at DESC LIMIT 1",
		DB_ARGS(db_text(conversation), db_text(counselor), db_int(now)));
	return one(&r, a, row);
}

static struct db_value place_at(struct summary_place p)
{
	return db_int(p.at > 0 ? p.at : INT64_MAX);
}

enum err summaries_previous(struct db *d, struct arena *a, const char *case_ref, const char *conversation, int64_t now,
	struct summary_place after, struct summary_row *row)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " SUMMARY_COLUMNS ", document FROM summaries WHERE case_ref = $1 AND " LISTED
		"AND conversation <> $5 AND status = 'ready' " NEWEST_FIRST "LIMIT 1",
		DB_ARGS(db_text(case_ref), db_int(now), place_at(after), db_text(after.id), db_text(conversation)));
	return one(&r, a, row);
}

static enum err list(struct db_rows *r, struct arena *a, int limit, bool whole, struct summary_row **rows, int *count)
{
	enum err e = OK, failed;

	*rows = arena_alloc(a, (size_t)limit * sizeof **rows);
	*count = 0;
	while (e == OK && *count < limit && db_rows_next(r)) {
		struct summary_row *row = &(*rows)[(*count)++];
		if (!whole)
			summary_row_read(row, r, a);
		else if (summaries_locked(e = read_whole(row, r, a), row))
			e = OK;
	}
	failed = db_rows_done(r);
	return failed != OK ? failed : e;
}

enum err summaries_of_case(struct db *d, struct arena *a, const char *case_ref, int64_t now, struct summary_place after, int limit,
	bool whole, struct summary_row **rows, int *count)
{
	struct db_rows r;

	db_query(&r, d, "SELECT " SUMMARY_COLUMNS ", document FROM summaries WHERE case_ref = $1 AND " LISTED NEWEST_FIRST "LIMIT $5",
		DB_ARGS(db_text(case_ref), db_int(now), place_at(after), db_text(after.id), db_int(limit)));
	return list(&r, a, limit, whole, rows, count);
}

enum err summaries_of_counselor(struct db *d, struct arena *a, const char *counselor, int64_t now, struct summary_place after, int limit,
	struct summary_row **rows, int *count)
{
	struct db_rows r;

	db_query(&r, d, "SELECT " SUMMARY_COLUMNS " FROM summaries WHERE counselor = $1 AND " LISTED NEWEST_FIRST "LIMIT $5",
		DB_ARGS(db_text(counselor), db_int(now), place_at(after), db_text(after.id), db_int(limit)));
	return list(&r, a, limit, false, rows, count);
}
