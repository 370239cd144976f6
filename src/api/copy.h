/* The sealed copy of a log that is to be summed up: made while somebody still waits for an answer, so that it does not matter how soon the session is over. */
#ifndef API_COPY_H
#define API_COPY_H

#include "base/arena.h"
#include "chat/session.h"
#include "http/exchange.h"

/* Of the request that was made at that time. OK also when there is one already, or nobody wants it any more. ERR_GONE, ERR_NOT_FOUND: the session was over
 * before it; ERR_STORE_UNAVAILABLE. Any other error is ours, and the worker will try. Blocks: on a thread of store/dbpool. */
enum err copy_keep(struct arena *a, const char *conversation, int64_t at) MUST_CHECK;

/* Makes the one that s waits for (s->copy_at, 0: none), then calls answer(x, e, s), here or on another thread. e: OK, ERR_STORE_UNAVAILABLE. */
void copy_then(struct exchange *x, const struct session *s, void (*answer)(struct exchange *x, enum err e, const struct session *s));

#endif
