/* What hubs ask of Redis for readers of lasting conversations and of feeds: to tell them the news, and who is here. Beside chat/subscription.h, and called as that is.
 * A place is "=<id>" of a lasting conversation or "@<user>" of a feed. Who may read, and the log itself: store/follow.h. */
#ifndef CHAT_FOLLOWING_H
#define CHAT_FOLLOWING_H

#include "chat/subscription.h"

static inline bool place_lasts(const char *place)
{
	return place[0] == '=' || place[0] == '@';
}

struct following {
	int64_t told; /* the log was announced up to there; -1: nobody knows */
	const struct reply *online;
	int64_t settle_at, now; /* as in struct subscribed */
};
typedef void following_done(void *ctx, enum err e, bool no_lease, const struct following *f);

/* held: how many exchanges the hub holds for the participant, this one included. */
void lasting_subscribe(struct redis *r, const char *place, const char *participant, const char *role, const char *hub, int held,
	following_done *done, void *ctx);

/* As leave and settle. */
void lasting_leave(struct redis *r, const char *place, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx);
void lasting_settle(struct redis *r, const char *place, const char *dead_hub, const char *hub, settle_done *done, void *ctx);

/* Feeds. The entries are lines (store/lua/_feed.lua), texts, the first at from.position + 1. */
struct feed_page {
	enum resumed resumed;
	struct cursor from;
	int64_t length, settle_at;
	const struct reply *entries;
};
typedef void feed_done(void *ctx, enum err e, bool no_lease, const struct feed_page *p);

/* cursor NULL: starts now. */
void feed_subscribe(struct redis *r, const char *place, const char *hub, int held, const struct cursor *cursor, feed_done *done, void *ctx);

/* Only length and entries of the page; ERR_CONFLICT: the cursor does not hold any more. */
void feed_tail(struct redis *r, const char *place, const struct cursor *after, feed_done *done, void *ctx);

/* A feed's entry, taken apart. False: none of ours. entry: what follows in news, the conversation's own entry; may be empty. */
struct feed_line {
	struct span conversation;
	struct cursor cursor; /* in the feed */
	int64_t position;     /* in the conversation; 0: it was erased */
	struct span entry;
};
bool feed_parse(struct feed_line *out, int64_t feed_position, const char *bytes, size_t len);

#endif
