/* Asking for, writing and settling summaries: see summaries.h. Looking them up is in summaries_read.c. */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/seal.h"
#include "store/ledger.h"
#include "store/summaries_row.h"

/* ---- asking ---- */

struct request {
	const struct summary_new *new;
	struct arena *arena;
	struct summary_row *row;
	bool *made;
};

/* What the ledger knows of that life: was it erased, or its case? Locked, so that an erasure either sees the row that is made here, or is seen. */
static enum err look_at_ledger(struct db *d, const struct summary_new *n, const char **case_ref)
{
	bool erased, caseless;
	struct db_rows r;
	enum err e;

	db_query(&r, d, "SELECT how, case_ref FROM ledger WHERE conversation = $1 AND created_at = $2 {postgres: FOR SHARE}",
		DB_ARGS(db_text(n->conversation), db_int(n->session_at)));
	erased = caseless = false;
	if (db_rows_next(&r)) {
		erased = strcmp(db_rows_word(&r, 0), ledger_how_name(LEDGER_ERASED)) == 0;
		caseless = n->case_ref && db_rows_null(&r, 1);
	}
	e = db_rows_done(&r);
	*case_ref = caseless ? NULL : n->case_ref;
	return e == OK && (erased || (caseless && n->late)) ? ERR_GONE : e;
}

static enum err look_up(struct db *d, const struct request *q, bool *found)
{
	struct db_rows r;

	db_query(&r, d, "SELECT " SUMMARY_COLUMNS " FROM summaries WHERE conversation = $1 AND session_at = $2",
		DB_ARGS(db_text(q->new->conversation), db_int(q->new->session_at)));
	*found = db_rows_next(&r);
	if (*found)
		summary_row_read(q->row, &r, q->arena);
	return db_rows_done(&r);
}

static enum err request(struct db *d, void *ctx)
{
	struct request *q = ctx;
	const struct summary_new *n = q->new;
	const char *case_ref = n->case_ref;
	char id[ID_MAX + 1];
	int64_t changed = 0;
	bool found = false;
	enum err e = OK;

	id_new(id, "sum_");
	*q->made = false;
	e = look_up(d, q, &found);
	if (e == OK && !(found && q->row->created_at >= n->now))
		e = look_at_ledger(d, n, &case_ref);
	/* A failed one is begun anew under its old id; its attempt goes on counting, so that a writer of old cannot settle the new one. */
	if (e == OK)
		e = db_exec(d, &changed,
			"INSERT INTO summaries (id, conversation, session_at, case_ref, counselor, status, created_at, updated_at, expires_at) "
			"VALUES ($1, $2, $3, $4, $5, 'requested', $6, $6, $7) "
			"ON CONFLICT (conversation, session_at) DO UPDATE SET status = CASE summaries.status WHEN 'ready' THEN 'ready' ELSE "
			"'requested' END, "
			"reason = NULL, attempt = summaries.attempt + 1, counselor = excluded.counselor, created_at = excluded.created_at, "
			"updated_at = excluded.updated_at, finished_at = NULL, expires_at = excluded.expires_at "
			"WHERE summaries.created_at < excluded.created_at AND "
			"(summaries.status = 'failed' OR ($8 = 1 AND summaries.status = 'ready' AND summaries.finished_at IS NOT NULL))",
			DB_ARGS(db_text(id), db_text(n->conversation), db_int(n->session_at), db_text(case_ref), db_text(n->counselor), db_int(n->now),
				db_int(n->expires_at), db_int(n->again)));
	*q->made = changed > 0;
	if (e == OK && changed == 0 && !n->late)
		e = db_exec(d, NULL, "UPDATE summaries SET counselor = $3 WHERE conversation = $1 AND session_at = $2 AND counselor <> $3",
			DB_ARGS(db_text(n->conversation), db_int(n->session_at), db_text(n->counselor)));
	return e == OK ? look_up(d, q, &found) : e;
}

enum err summaries_request(struct db *d, struct arena *a, const struct summary_new *n, struct summary_row *row, bool *made)
{
	struct request q = {n, a, row, made};

	*row = (struct summary_row){0};
	*made = false;
	return db_write(d, request, &q);
}

/* ---- writing ---- */

enum err summaries_start(struct db *d, const char *id, int64_t now, int64_t *attempt)
{
	struct db_rows r;

	db_query(&r, d,
		"UPDATE summaries SET status = CASE status WHEN 'ready' THEN 'ready' ELSE 'running' END, attempt = attempt + 1, updated_at = $2 "
		"WHERE id = $1 AND finished_at IS NULL AND status IN ('requested', 'running', 'ready') RETURNING attempt",
		DB_ARGS(db_text(id), db_int(now)));
	*attempt = db_rows_next(&r) ? db_rows_int(&r, 0) : 0;
	return db_rows_found(&r);
}

void summary_seal_name(char out[SUMMARY_SEAL_NAME], const char *id)
{
	snprintf(out, SUMMARY_SEAL_NAME, "summary:%s", id);
}

enum err summaries_finish(struct db *d, const char *id, int64_t attempt, const char *model, const char *document, size_t len, int64_t now)
{
	char name[SUMMARY_SEAL_NAME];
	int64_t changed = 0;
	struct buf sealed;
	enum err e;

	summary_seal_name(name, id);
	buf_init(&sealed, SUMMARIES_DOCUMENT_MAX + SEAL_OVERHEAD);
	e = seal_make(&sealed, document, len, name);
	if (e == OK)
		e = db_exec(d, &changed,
			"UPDATE summaries SET status = 'ready', reason = NULL, model = $3, key_id = $4, document = $5, finished_at = $6, updated_at = "
			"$6 "
			"WHERE id = $1 AND attempt = $2 AND finished_at IS NULL AND status IN ('running', 'ready')",
			DB_ARGS(db_text(id), db_int(attempt), db_text(model), db_text(seal_key()), db_blob(sealed.data, sealed.len), db_int(now)));
	buf_done(&sealed);
	return e == OK && changed == 0 ? ERR_CONFLICT : e;
}

enum err summaries_fail(struct db *d, const char *id, int64_t attempt, const char *reason, int64_t now)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed,
		"UPDATE summaries SET status = CASE status WHEN 'ready' THEN 'ready' ELSE 'failed' END, reason = $3, finished_at = $4, updated_at "
		"= $4 "
		"WHERE id = $1 AND attempt = $2 AND finished_at IS NULL AND status IN ('running', 'ready')",
		DB_ARGS(db_text(id), db_int(attempt), db_text(reason), db_int(now)));

	return e == OK && changed == 0 ? ERR_CONFLICT : e;
}

enum err summaries_abandon(struct db *d, struct arena *a, int64_t before_ms, int64_t now, int limit, struct summary_row **rows, int *count)
{
	struct db_rows r;

	*rows = arena_alloc(a, (size_t)limit * sizeof **rows);
	*count = 0;
	db_query(&r, d,
		"WITH stuck AS MATERIALIZED (SELECT id FROM summaries WHERE finished_at IS NULL AND updated_at < $1 ORDER BY updated_at LIMIT $3 "
		"{postgres: FOR UPDATE SKIP LOCKED}) "
		"UPDATE summaries SET status = CASE status WHEN 'ready' THEN 'ready' ELSE 'failed' END, reason = 'ABANDONED', attempt = attempt + "
		"1, "
		"finished_at = $2, updated_at = $2 WHERE id IN (SELECT id FROM stuck) RETURNING " SUMMARY_COLUMNS,
		DB_ARGS(db_int(before_ms), db_int(now), db_int(limit)));
	while (db_rows_next(&r))
		if (*count < limit)
			summary_row_read(&(*rows)[(*count)++], &r, a);
	return db_rows_done(&r);
}

/* ---- erasing ---- */

enum err summaries_erase(struct db *d, const char *conversation, int64_t session_at, int64_t *erased)
{
	return db_exec(d, erased, "DELETE FROM summaries WHERE conversation = $1 AND ($2 = 0 OR session_at = $2)",
		DB_ARGS(db_text(conversation), db_int(session_at)));
}

enum err summaries_erase_case(struct db *d, const char *case_ref, int64_t *erased)
{
	return db_exec(d, erased, "DELETE FROM summaries WHERE case_ref = $1", DB_ARGS(db_text(case_ref)));
}

enum err summaries_prune(struct db *d, int64_t now, int limit, int64_t *erased)
{
	return db_exec(d, erased,
		"DELETE FROM summaries WHERE id IN (SELECT id FROM summaries WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)",
		DB_ARGS(db_int(now), db_int(limit)));
}

/* ---- sealing anew ---- */

struct sheet {
	char id[ID_MAX + 1];
	char key[SEAL_KEY_ID_MAX + 1];
	struct buf plain;
};

/* The next document under another key, after that id, opened; *found false: there is none. *opened false: no key of ours opens it. */
static enum err next_sheet(struct db *d, struct sheet *s, bool *found, bool *opened)
{
	char name[SUMMARY_SEAL_NAME];
	struct db_rows r;
	size_t len;

	db_query(&r, d, "SELECT id, key_id, document FROM summaries WHERE key_id IS NOT NULL AND key_id <> $1 AND id > $2 ORDER BY id LIMIT 1",
		DB_ARGS(db_text(seal_key()), db_text(s->id)));
	*found = db_rows_next(&r);
	if (*found) {
		const void *document = db_rows_blob(&r, 2, &len);
		snprintf(s->id, sizeof s->id, "%s", db_rows_word(&r, 0));
		snprintf(s->key, sizeof s->key, "%s", db_rows_word(&r, 1));
		summary_seal_name(name, s->id);
		buf_reset(&s->plain);
		*opened = seal_open(&s->plain, document, len, name) == OK;
	}
	return db_rows_done(&r);
}

static enum err seal_anew(struct db *d, const struct sheet *s)
{
	char name[SUMMARY_SEAL_NAME];
	struct buf sealed;
	enum err e;

	summary_seal_name(name, s->id);
	buf_init(&sealed, SUMMARIES_DOCUMENT_MAX + SEAL_OVERHEAD);
	e = seal_make(&sealed, s->plain.data, s->plain.len, name);
	if (e == OK)
		e = db_exec(d, NULL, "UPDATE summaries SET document = $3, key_id = $4 WHERE id = $1 AND key_id = $2",
			DB_ARGS(db_text(s->id), db_text(s->key), db_blob(sealed.data, sealed.len), db_text(seal_key())));
	buf_done(&sealed);
	return e;
}

enum err summaries_reseal(struct db *d, int limit, int64_t *done, int64_t *lost)
{
	struct sheet s = {.id = ""};
	bool found = true, opened = false;
	enum err e = seal_ready() ? OK : ERR_INTERNAL;

	*done = *lost = 0;
	buf_init(&s.plain, SUMMARIES_DOCUMENT_MAX);
	while (e == OK && *done < limit) {
		e = next_sheet(d, &s, &found, &opened);
		if (e != OK || !found)
			break;
		if (opened)
			e = seal_anew(d, &s);
		if (e == OK)
			++*(opened ? done : lost);
	}
	if (s.plain.data)
		explicit_bzero(s.plain.data, s.plain.len);
	buf_done(&s.plain);
	return e;
}
