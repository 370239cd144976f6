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

/* As leave and settle. hub: "" or who holds readers of it; forgotten: Redis did not know that (any more). */
void lasting_leave(struct redis *r, const char *place, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx);
typedef void lasting_settle_done(void *ctx, enum err e, int64_t settle_at, int64_t told, bool forgotten);
void lasting_settle(struct redis *r, const char *place, const char *dead_hub, const char *hub, lasting_settle_done *done, void *ctx);

#endif
