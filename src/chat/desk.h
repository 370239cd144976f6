/* A counselor's desk: which conversations are theirs, who waits in them, how much is unread. Never a word of what is said.
 * Calls as in chat/session.h on the connection given: asynchronous, done exactly once where that connection's replies come, results valid during the call only. */
#ifndef CHAT_DESK_H
#define CHAT_DESK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "store/redis.h"

#define DESK_MOST 1000              /* conversations that a desk shows */
#define DESK_HUB_MS (2 * 3600000LL) /* a hub's wish to be told is kept for so long; hubs repeat it sooner */

/* ids are the counselor's conversations (texts), in all buckets, the count of them n. no_lease: hub must take a new name. */
typedef void desk_ids_done(void *ctx, enum err e, bool no_lease, const char *const *ids, size_t n);

/* hub NULL: just looks; otherwise that hub is told from now on to look whenever one of them changes. */
void desk_ids(struct redis *r, const char *counselor, const char *hub, desk_ids_done *done, void *ctx);

/* That hub holds no desk of the counselor's any more. Nobody waits for the answer. */
void desk_leave(struct redis *r, const char *counselor, const char *hub);

struct desk_seen {
	const char *gone; /* NULL, or why it stands on this desk no more: "handed_over", "erased", "expired" */
	const char *json; /* the contract's object, json_len bytes; NULL when gone */
	size_t json_len;
	int64_t look_at; /* look again then, when nothing was heard before (ms since the epoch) */
};
typedef void desk_look_done(void *ctx, enum err e, const struct desk_seen *s);
void desk_look(struct redis *r, const char *counselor, const char *conversation, desk_look_done *done, void *ctx);

/* The whole list: json is {"sessions":[…],"at":…}. */
typedef void desk_list_done(void *ctx, enum err e, const struct buf *json);
void desk_list(struct redis *r, const char *counselor, desk_list_done *done, void *ctx);

#endif
