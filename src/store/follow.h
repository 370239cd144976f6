/* What hubs ask of SQL for readers of lasting conversations and of feeds: may he read, where does he go on, what comes next; which conversations moved.
 * On a connection of the caller's; may block. Whatever is given out lives in the arena that was given, so that it may be handed to another thread. */
#ifndef STORE_FOLLOW_H
#define STORE_FOLLOW_H

#include <stdbool.h>
#include "store/entries.h"

/* Who reads what, and where he stands. */
struct follow {
	const char *conversation, *participant;
	const char *login;  /* NULL, or the login (table logins) that must still stand */
	const char *thread; /* NULL, or a thread that must exist */
	bool has_cursor;    /* otherwise he starts at the end */
	int64_t position;
	const char *check;
	bool marks; /* wanted: read and delivered marks */
	int most;   /* entries; and bytes, unless the first alone is larger */
	size_t bytes;
};

struct follow_found {
	const char *role, *status;
	bool holds; /* the cursor; without one, or if not, from is the end */
	int64_t from;
	char check[ENTRY_MARK_LEN + 1];
	int64_t length;
	const char *marks; /* ,"read":{…},"delivered":{…} */
	struct entry_line *lines;
	int count;
};

/* ERR_NOT_FOUND: no such conversation, he is not in it (any more), no such thread. ERR_UNAUTHENTICATED: his login is over. All of one instant. */
enum err follow_find(struct db *d, struct arena *a, const struct follow *f, struct follow_found *out) MUST_CHECK;

/* Lengths of the conversations' logs; -1 for one that is not there. At most FOLLOW_MANY. */
#define FOLLOW_MANY 200
enum err follow_lengths(struct db *d, const char *const *conversations, int64_t *lengths, size_t count) MUST_CHECK;

/* The entries of a conversation after a position, whoever reads them. ERR_NOT_FOUND: no such conversation. */
enum err follow_entries(struct db *d, struct arena *a, const char *conversation, int64_t after, int most, size_t bytes,
	struct entry_line **lines, int *count) MUST_CHECK;

/* What a feed's entries are now, for that user: */
struct follow_item {
	const char *conversation;
	int64_t position; /* 0: it was erased then */
	/* filled in */
	bool gone;              /* the conversation is not there any more */
	struct entry_line line; /* bytes NULL: erased, or not for him (any more) */
};
/* In order, until so many bytes are read; *filled says how many items were. login as in struct follow. All of one instant. */
enum err follow_fill(struct db *d, struct arena *a, const char *user, const char *login, struct follow_item *items, int count, size_t bytes,
	int *filled) MUST_CHECK;

/* What was committed since (ms) and is not announced yet, whose feeds it belongs to. For hubs without Redis. */
struct follow_change {
	struct follow_change *next;
	const char *conversation;
	bool gone; /* erased */
	int64_t at;
	int64_t from, to;         /* the lowest position that is not announced, and the highest */
	struct entry_line *lines; /* oldest first, as many as fit; they begin FOLLOW_BEFORE earlier, or behind its part */
	int count;
	struct member *members;
	int member_count;
};
/* One whose lines did not fit the last time: they were had up to there. */
struct follow_part {
	struct follow_part *next;
	int64_t to;
	char conversation[ID_MAX + 1];
};

/* *until: the time of the last one, or since. At most CHANGES_MOST conversations, and those of parts (may be NULL). */
enum { CHANGES_MOST = 2000, FOLLOW_BEFORE = 50 };
enum err follow_changes(
	struct db *d, struct arena *a, int64_t since, const struct follow_part *parts, struct follow_change **out, int64_t *until) MUST_CHECK;

/* The user's conversations with more people than that, those where something happened last first. */
struct follow_large {
	const char *conversation;
	int64_t length, unread;
};
enum err follow_large(
	struct db *d, struct arena *a, const char *user, int64_t people, int most, struct follow_large **out, int *count) MUST_CHECK;

/* Is that login still there? ERR_UNAUTHENTICATED: no. */
enum err follow_login(struct db *d, const char *login) MUST_CHECK;

#endif
