/* One conversation being told of: a range of its log on the way to hubs and feeds. announce.c says what is to be told and where it comes from, telling.c asks Redis.
 * Internal to chat/. */
#ifndef CHAT_TELLING_H
#define CHAT_TELLING_H

#include <stdatomic.h>
#include "chat/announce.h"

/* How sure we are that nothing untold stands before the range (store/lua/announce.lua, feed.lua). */
enum telling_mode { TELLING_ASK, TELLING_SURE, TELLING_FORCE };

struct telling {
	struct arena arena; /* of what was read; emptied when it is read again */
	char conversation[ID_MAX + 1];
	int64_t from, to; /* of the lines; 0, 0: it was erased */
	int64_t length;   /* of the log, when it was read */
	int64_t erased_at;
	struct entry_line *lines;
	int line_count;
	const char **members;
	int member_count; /* more than ANNOUNCE_FEEDS: not all of them are here, unless crowd says so */
	int64_t crowd;    /* 0, or up to where all feeds have it though it has too many people for that by now */
	char *actors;     /* to be freed; NULL nobody */
	enum telling_mode log_mode, feed_mode;
	int rounds;    /* how often it was read again */
	bool catching; /* it reads what others left out, too (announce.c) */

	/* the feeds' answers */
	atomic_int pending;
	_Atomic int err;
	_Atomic int64_t behind; /* lowest position fed up to, -1 none */
	atomic_bool unsure;
};

/* What Redis said in the end. */
enum telling_end {
	TELLING_DONE,
	TELLING_FAILED,  /* the sweep tries again */
	TELLING_BEHIND,  /* begin after t->behind … */
	TELLING_UNKNOWN, /* … or where the outbox begins; both may hold */
	TELLING_CROWD,   /* everybody must be told: once more, with crowd and all members */
};

/* Tells hubs, then feeds. Never blocks; end is called once, on Redis's reply thread. */
void telling_start(struct telling *t, void (*end)(struct telling *t, enum telling_end how));

#endif
