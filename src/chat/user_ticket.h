/* Single-use stream tickets of users: for a bearer whose EventSource cannot send a header. For one conversation's stream, or for the feed. Calls as in chat/desk.h: asynchronous,
 * done exactly once where r's replies come. */
#ifndef CHAT_USER_TICKET_H
#define CHAT_USER_TICKET_H

#include "chat/credentials.h"
#include "store/redis.h"

/* Keeps opaque (credentials_stream_ticket) for STREAM_TICKET_MS as standing for by; by->conversation "" means the feed. Only its hash is stored. */
void user_ticket_put(struct redis *r, const struct ticket *by, const char *opaque, void (*done)(void *ctx, enum err e), void *ctx);

/* What it stands for, once. ERR_UNAUTHENTICATED: spent or unknown; the caller compares t->conversation with where it is shown. t->login, if any, is still to be looked up
 * (chat/login.h). */
typedef void user_ticket_done(void *ctx, enum err e, const struct ticket *t);
void user_ticket_take(struct redis *r, const char *opaque, user_ticket_done *done, void *ctx);

#endif
