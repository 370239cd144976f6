/* The ledger: one row for each life of a session, written before its creation is acknowledged, completed at its end. Times and counts only: no
 * participant, no content. A life is the session's id and createdAt as Redis knows them (an id may come back after 26 h, or after a lost Redis).
 *
 * Order of things: Redis creates the session, ledger_open writes the row, then 201; "same again" (200) calls ledger_open as well. So a row
 * that is open while Redis knows neither that session nor the stub of its erasure means that Redis lost it: session.lost.
 *
 * All may block (db.h). All may be repeated: doing it twice is doing it once. Within db_write they join the transaction, e.g. with
 * webhooks_add: a session is closed and MainServer's message queued, or neither. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

enum ledger_how { LEDGER_EXPIRED, LEDGER_ERASED, LEDGER_LOST };

struct ledger_row {
	const char *conversation, *case_ref; /* case_ref NULL: none */
	int64_t created_at;
	int64_t expires_at; /* the deadline as last told here; the living one is in Redis and may be later */
	int64_t ended_at;   /* 0: not ended before its deadline */
	int64_t closed_at;  /* 0: open */
	const char *how;    /* "expired", "erased", "lost"; NULL while open */
	int64_t messages;   /* -1: not known; open, lost, or gone before anybody counted */
};

/* "expired", "erased", "lost". */
const char *ledger_how_name(enum ledger_how how);

/* Writes the row of a new life; one that is there stays as it is. */
enum err ledger_open(struct db *d, const char *conversation, int64_t created_at, int64_t expires_at, const char *case_ref) MUST_CHECK;

/* Notes that it was ended (the first time counts), and its deadline. */
enum err ledger_end(struct db *d, const char *conversation, int64_t created_at, int64_t ended_at, int64_t expires_at) MUST_CHECK;

/* Completes the row, or writes it whole when it is missing. *closed_now: true for exactly one caller; who gets false does nothing more.
 * ended_at 0: leaves what is known. */
enum err ledger_close(struct db *d, const struct ledger_row *row, enum ledger_how how, int64_t closed_at, bool *closed_now) MUST_CHECK;

/* What had expired was erased since, with its summary. created_at 0: every life of that id that is over. */
enum err ledger_erased(struct db *d, const char *conversation, int64_t created_at) MUST_CHECK;

/* Takes up to limit open rows which nobody looked at since before_ms (oldest look first) and marks them looked at now: several workers get
 * different ones. For each the caller asks Redis whether that life is still known, and closes it as lost when not. */
enum err ledger_check(
	struct db *d, struct arena *a, int64_t now, int64_t before_ms, int limit, struct ledger_row **rows, int *count) MUST_CHECK;

/* The newest life of a conversation. ERR_NOT_FOUND. Strings live in a. */
enum err ledger_get(struct db *d, struct arena *a, const char *conversation, struct ledger_row *row) MUST_CHECK;

/* Deletes up to limit closed rows that were closed before that time. */
enum err ledger_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned) MUST_CHECK;

/* Takes a case's reference out of every row. */
enum err ledger_forget_case(struct db *d, const char *case_ref) MUST_CHECK;

enum err ledger_open_count(struct db *d, int64_t *count) MUST_CHECK;

#endif
