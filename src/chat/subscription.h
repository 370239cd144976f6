/* What hubs ask the store: to subscribe a reader, to read on, to note leaves, leases and dead hubs. Every call is one script on the hub's own connection;
 * done runs in the hub's loop, its result is valid during the call only. */
#ifndef CHAT_SUBSCRIPTION_H
#define CHAT_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "chat/cursor.h"
#include "chat/entry.h"
#include "chat/ticket.h"
#include "store/redis.h"

#define LEASE_MS 20000 /* a hub is believed alive for so long after a renewal; also the grace its readers have to come back elsewhere */
#define LEASE_RENEW_MS 5000
#define HUB_ID_LEN 16

enum resumed { RESUMED_NO = 0, RESUMED_YES = 1, RESUMED_NO_CURSOR = -1 };

struct subscribed {
	enum resumed resumed;
	int64_t expires_at;
	bool ended;
	struct cursor from;                            /* the stream goes on after it */
	int64_t length;                                /* of the log, now */
	int64_t settle_at;                             /* presence is to be looked at again then (ms since the epoch) */
	const struct reply *online, *read, *delivered; /* for subscribed_marks */
	const struct buf *marks;                       /* or what that is to write, already written */
	int64_t now;                                   /* when all this was so, by Redis' clock */
	const struct reply *entries;                   /* texts, the first at from.position + 1; there may be more in the log */
};
typedef void subscribe_done(void *ctx, enum err e, bool no_lease, const struct subscribed *s);

/* cursor NULL: starts now. held: how many exchanges the hub holds for the participant, this one included. */
void subscribe(
	struct redis *r, const struct ticket *by, const char *hub, int held, const struct cursor *cursor, subscribe_done *done, void *ctx);

/* Appends "online":[…],"read":{…},"delivered":{…}. */
void subscribed_marks(struct buf *b, const struct subscribed *s);

struct tail {
	int64_t expires_at, length;
	const struct reply *entries;
};
/* ERR_CONFLICT: the cursor does not hold (a failover rewrote history). ERR_NOT_FOUND: or the participant has no place here any more. */
typedef void tail_done(void *ctx, enum err e, const struct tail *t);
void tail_read(struct redis *r, const char *conversation, const char *participant, const char *side, const struct cursor *after,
	tail_done *done, void *ctx);

/* done(ctx, e, when to look again, 0 = never; the log's length, 0 = not said; Redis did not know any more that the hub holds readers of it).
 * left_ms_ago < 0: not a clean leave. hub "": holds none that matter. */
typedef void settle_done(void *ctx, enum err e, int64_t settle_at, int64_t length, bool forgotten);
void leave(struct redis *r, const char *conversation, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx);
void settle(struct redis *r, const char *conversation, const char *dead_hub, const char *hub, settle_done *done, void *ctx);

/* The deadline has passed, the hub thinks. OK: erased now. ERR_CONFLICT: not yet, expires_at says when. ERR_GONE, ERR_NOT_FOUND: somebody else did. */
typedef void expire_done(void *ctx, enum err e, int64_t expires_at);
void expire(struct redis *r, const char *conversation, expire_done *done, void *ctx);

/* Takes (first) or renews the lease in one bucket. dead: ids of hubs whose lease is gone (list of texts from index 1). no_lease: it lapsed. */
typedef void lease_done(void *ctx, enum err e, bool no_lease, const struct reply *dead);
void lease(struct redis *r, unsigned bucket, const char *hub, bool take, lease_done *done, void *ctx);

/* Conversations of a dead hub (texts from index 1), at most REAP_MOST, each given to one caller only. */
#define REAP_MOST 100
typedef void reap_done(void *ctx, enum err e, const struct reply *conversations);
void reap(struct redis *r, unsigned bucket, const char *dead_hub, reap_done *done, void *ctx);

#endif
