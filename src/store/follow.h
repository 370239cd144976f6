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

/* Is that login still there? ERR_UNAUTHENTICATED: no. */
enum err follow_login(struct db *d, const char *login) MUST_CHECK;

#endif
