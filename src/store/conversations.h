/* Lasting conversations and who is in them (sql/0007). Everything here runs on a connection of the caller's (store/dbpool, the worker) and may block.
 *
 * Who changes a conversation locks its row first (conversations_lock, within db_write): so positions have no gap, and what follows from them (unread counts,
 * outbox rows) is exact. Several at once: in the order of their ids. */
#ifndef STORE_CONVERSATIONS_H
#define STORE_CONVERSATIONS_H

#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

#define CONVERSATION_ID_PREFIX "conv_"

/* Somebody's place in a conversation. */
struct member {
	const char *participant;
	const char *name; /* what people call them (table people); "" unknown */
	const char *role; /* customer, agent, business, member, admin */
	int64_t joined_at;
	int64_t left_at; /* 0: is in it */
	bool muted;
	int64_t silenced_until, read_to, delivered_to, unread;
	const char *rate;
};

/* Strings live in the arena that was given. */
struct conversation {
	int64_t n;
	const char *id, *type, *channel, *status, *title;
	const char *pair, *made_as, *metadata; /* NULL: none */
	const char *made_by;
	int64_t made_at, last_at;
	int64_t retention_s; /* -1: the setting's */
	const char *birth, *salt;
	int64_t length, floor, first_message, last_message;
	struct member me; /* whom it was asked for; zeroed when nobody */
};

/* The conversation as participant sees it: ERR_NOT_FOUND when there is none, or he is not in it (any more). participant NULL: whoever asks may see it. */
enum err conversations_get(struct db *d, struct arena *a, const char *id, const char *participant, struct conversation *out) MUST_CHECK;

/* The same within db_write, and its row stays locked until the transaction ends ({postgres: FOR UPDATE}; SQLite has but one writer). */
enum err conversations_lock(struct db *d, struct arena *a, const char *id, const char *participant, struct conversation *out) MUST_CHECK;

/* Somebody's place in the conversation of that number; ERR_NOT_FOUND when he is not in it (any more). */
enum err conversations_member(struct db *d, struct arena *a, int64_t n, const char *participant, struct member *out) MUST_CHECK;

/* The places of those of a JSON array of ids who are in it; in no order. */
enum err conversations_some(
	struct db *d, struct arena *a, int64_t n, const char *ids, int most, struct member **out, int *count) MUST_CHECK;

/* Those in it, in the order they joined; at most most. */
enum err conversations_members(struct db *d, struct arena *a, int64_t n, int most, struct member **out, int *count) MUST_CHECK;

/* Their ids only, in no order: whom to tell. */
enum err conversations_ids(struct db *d, struct arena *a, int64_t n, int most, const char ***out, int *count) MUST_CHECK;

#endif
