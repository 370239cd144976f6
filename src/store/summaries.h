/* Summaries: asked for, being written, ready or failed; one row per life of a session. Documents are sealed here (base/seal, bound to row and
 * conversation) and opened here, so nobody can store one in clear: seal_setup must have been called.
 * All may block (db.h). Strings of results live in the given arena. */
#ifndef STORE_SUMMARIES_H
#define STORE_SUMMARIES_H

#include "base/arena.h"
#include "store/db.h"

#define SUMMARIES_DOCUMENT_MAX (1 << 20)

struct summary_row {
	const char *id; /* sum_… */
	const char *conversation;
	int64_t session_at;                          /* createdAt of that life of the session */
	const char *case_ref;                        /* NULL: none */
	const char *counselor;                       /* who asked and may read */
	const char *status;                          /* "requested", "running", "ready", "failed" */
	const char *reason;                          /* of a failure, a fixed word; else NULL */
	const char *model;                           /* that wrote it; NULL before */
	int64_t created_at, finished_at, expires_at; /* created_at: when it was asked for, last; finished_at 0: not written yet */
	int64_t attempt;                             /* of the writing that runs; fences off the others */
	const char *document;                        /* opened, NUL-terminated JSON; NULL unless ready and asked for */
	size_t document_len;
};

struct summary_new {
	const char *conversation, *case_ref, *counselor; /* case_ref may be NULL */
	int64_t session_at, now, expires_at; /* now: when it was asked for, the same when repeated; expires_at: when retention ends */
	bool again;                          /* more was said since: a ready one is written anew, and stands until then */
	bool late; /* this is not the asking itself but what follows from it: nothing is made for a case that was erased since */
};

/* A row in a list that goes from the newest to the oldest: what comes after it. at 0: all; id NULL: what was asked for before that time. */
struct summary_place {
	int64_t at;
	const char *id;
};

/* Asks for a session's summary. *made: true when it is to be written (new, or the last try had failed), false when it was asked for before. The right
 * to read goes to who asked last (a session may be handed over). *row: as it stands, without its document. ERR_GONE: the session was erased, by its
 * ledger; or its case was, and it is late (else the summary belongs to no case). */
enum err summaries_request(struct db *d, struct arena *a, const struct summary_new *n, struct summary_row *row, bool *made) MUST_CHECK;

/* Begins (or takes over) the writing: status running (a ready one stays ready: finished_at says that it is written anew); *attempt is to be given back. ERR_NOT_FOUND: erased, or settled meanwhile: nothing to do. */
enum err summaries_start(struct db *d, const char *id, int64_t now, int64_t *attempt) MUST_CHECK;

/* Ends the writing. ERR_CONFLICT: another attempt has begun, it is settled, or erased: what this one wrote counts for nothing, and nobody is told. */
enum err summaries_finish(
	struct db *d, const char *id, int64_t attempt, const char *model, const char *document, size_t len, int64_t now) MUST_CHECK;
enum err summaries_fail(struct db *d, const char *id, int64_t attempt, const char *reason, int64_t now) MUST_CHECK;

/* The newest of a conversation, for that counselor (NULL: for us, whoever asked). ERR_NOT_FOUND also when it is someone else's or past its retention.
 * ERR_INTERNAL also when no key of ours opens its document: then see summaries_locked. */
enum err summaries_get(
	struct db *d, struct arena *a, const char *conversation, const char *counselor, int64_t now, struct summary_row *row) MUST_CHECK;

/* After an error: is the row there, and only its document can't be opened? Then it becomes one that failed, with NO_KEY, for readers. */
bool summaries_locked(enum err e, struct summary_row *row);

/* The newest ready document of that case, of another session, after that place: part of the next prompt, unless its session was erased just now
 * (chat/summary.h: SQL learns of it later). ERR_NOT_FOUND. */
enum err summaries_previous(struct db *d, struct arena *a, const char *case_ref, const char *conversation, int64_t now,
	struct summary_place after, struct summary_row *row) MUST_CHECK;

/* Newest first, after that place; without documents unless whole (then those that no key opens: see summaries_locked). */
enum err summaries_of_case(struct db *d, struct arena *a, const char *case_ref, int64_t now, struct summary_place after, int limit,
	bool whole, struct summary_row **rows, int *count) MUST_CHECK;
enum err summaries_of_counselor(struct db *d, struct arena *a, const char *counselor, int64_t now, struct summary_place after, int limit,
	struct summary_row **rows, int *count) MUST_CHECK;

/* Erasure; then db_scrub(d, "summaries"). *erased (may be NULL): how many. session_at 0: of all lives of that id. */
enum err summaries_erase(struct db *d, const char *conversation, int64_t session_at, int64_t *erased) MUST_CHECK;
enum err summaries_erase_case(struct db *d, const char *case_ref, int64_t *erased) MUST_CHECK;
enum err summaries_prune(struct db *d, int64_t now, int limit, int64_t *erased) MUST_CHECK; /* past their retention */

/* Those requested or begun before that time and never settled (their copy of the log is gone): fails them with "ABANDONED" and gives them, each
 * to one caller, to be told about. */
enum err summaries_abandon(
	struct db *d, struct arena *a, int64_t before_ms, int64_t now, int limit, struct summary_row **rows, int *count) MUST_CHECK;

/* Seals up to limit documents anew whose key is not the first of ROOM_KEYS. *done: how many were (0: all are). A document that no key opens is
 * left as it is and counted in *lost. */
enum err summaries_reseal(struct db *d, int limit, int64_t *done, int64_t *lost) MUST_CHECK;

#endif
