/* Single-use stream tickets, for whoever's EventSource cannot send a header (design §6): of a session's participant, of a counselor's desk, of a user (for one conversation's
 * stream, or for the feed). Calls as in chat/session.h on the connection given: asynchronous, done exactly once where that connection's replies come. */
#ifndef CHAT_STREAM_TICKET_H
#define CHAT_STREAM_TICKET_H

#include "chat/ticket.h"
#include "store/redis.h"

#define STREAM_TICKET_LEN 32
#define USER_STREAM_TICKET_LEN 33
#define STREAM_TICKET_MS 30000

/* Keeps opaque (credentials_stream_ticket) for STREAM_TICKET_MS as standing for by; a user's with conversation "" is for the feed. Only its hash is stored. Of a participant:
 * ERR_GONE, ERR_NOT_FOUND when the session has no place for him. */
typedef void stream_ticket_put_done(void *ctx, enum err e);
void stream_ticket_put(struct redis *r, const struct ticket *by, const char *opaque, stream_ticket_put_done *done, void *ctx);

/* What it stands for, once; t is valid during the call only. kind: whose tickets are meant; conversation: a participant's, else NULL. ERR_UNAUTHENTICATED: spent or unknown.
 * Of a user: the caller compares t->conversation with where it is shown, and t->login, if any, is still to be looked up (chat/login.h). */
typedef void stream_ticket_done(void *ctx, enum err e, const struct ticket *t);
void stream_ticket_take(
	struct redis *r, enum ticket_kind kind, const char *conversation, const char *opaque, stream_ticket_done *done, void *ctx);

#endif
