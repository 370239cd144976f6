/* The outbox of messages to MainServer: written in the transaction of what they tell, delivered at least once, then kept for a while as proof.
 * All may block (db.h). Strings of results live in the given arena.
 *
 * Delivering: webhooks_claim leases those that are due to this worker; then webhooks_delivered or webhooks_failed for each. A worker that dies
 * loses its lease after lease_ms, and the next one takes over; `attempt` tells a late answer of the first from the second's. */
#ifndef STORE_WEBHOOKS_H
#define STORE_WEBHOOKS_H

#include "base/arena.h"
#include "store/db.h"

struct webhooks_item {
	const char *id;           /* [A-Za-z0-9_-]{1,64}: the same in every attempt */
	const char *type;         /* "session.expired" … */
	const char *conversation; /* NULL: none */
	const char *payload;      /* the bytes that are signed and sent; no content of a conversation */
	const char *request_id;   /* of what caused it; NULL: none */
	int64_t created_at;
	int64_t since;          /* when trying began: created_at, or when it was told to be resent */
	int64_t next_at;        /* not before */
	int64_t attempt;        /* 1 for the first */
	const char *state;      /* "pending", "delivered", "dead" */
	const char *last_error; /* a fixed word or status; NULL: none */
	int64_t done_at;        /* 0 while pending */
};

/* Queues one; an id that is there already stays as it is (so an id made from what is told makes telling once: "expired_<createdAt>_<session>" …,
 * webhooks_id). id, type, payload, created_at and next_at are looked at; conversation and request_id may be NULL. */
enum err webhooks_add(struct db *d, const struct webhooks_item *item) MUST_CHECK;

/* Writes the id of the message of that type about that life of a session: the same for everyone who makes it. */
void webhooks_id(char out[65], const char *type, const char *conversation, int64_t created_at);

/* Up to limit due ones, the oldest first; nobody else gets them for lease_ms. */
enum err webhooks_claim(
	struct db *d, struct arena *a, int64_t now, int64_t lease_ms, int limit, struct webhooks_item **items, int *count) MUST_CHECK;

/* ERR_CONFLICT: another attempt has begun meanwhile: its outcome counts. */
enum err webhooks_delivered(struct db *d, const char *id, int64_t attempt, int64_t now) MUST_CHECK;

/* Again at next_at; 0: never again, a dead letter. */
enum err webhooks_failed(struct db *d, const char *id, int64_t attempt, const char *error, int64_t next_at, int64_t now) MUST_CHECK;

/* Dead letters of all that wait since before that time: there is nobody to try. *dead: how many. */
enum err webhooks_give_up(struct db *d, int64_t before_ms, const char *error, int64_t now, int64_t *dead) MUST_CHECK;

/* A dead (or delivered) one is due again, with a fresh day; id NULL: all dead ones. *resent: how many. */
enum err webhooks_resend(struct db *d, const char *id, int64_t now, int64_t *resent) MUST_CHECK;

/* Newest first; state NULL: any; before_ms pages (0: from the newest). */
enum err webhooks_list(
	struct db *d, struct arena *a, const char *state, int64_t before_ms, int limit, struct webhooks_item **items, int *count) MUST_CHECK;

/* When the next one is due (0: nothing pending): how long a worker may sleep. */
enum err webhooks_next(struct db *d, int64_t *at) MUST_CHECK;

struct webhooks_counts {
	int64_t pending, delivered, dead;
};
enum err webhooks_count(struct db *d, struct webhooks_counts *out) MUST_CHECK;

/* Deletes up to limit that were settled before that time. */
enum err webhooks_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned) MUST_CHECK;

#endif
