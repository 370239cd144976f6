/* What passes: typing, read and delivered marks, proof of life, who is here. Calls as in chat/session.h. */
#ifndef CHAT_SIGNAL_H
#define CHAT_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "chat/ticket.h"

typedef void signal_done(void *ctx, enum err e);

void signal_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx); /* SESSION_ENDED when ended */
/* up_to: a message id in decimal, or a cursor; only ever forward (lower is OK and changes nothing); ERR_BAD_REQUEST beyond the log's end or a strange cursor. */
void signal_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx);
/* cursor NULL: life only. Delivered mark as read's. */
void signal_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx);

struct presence_one {
	const char *id;
	const char *role;
	bool online;
};
struct presence {
	const struct presence_one *who; /* borrowed during the callback */
	int count;
};
typedef void presence_done(void *ctx, enum err e, const struct presence *p);
void signal_presence(const struct ticket *by, presence_done *done, void *ctx);

/* Checks that the ticket's holder may enter (participant of a live conversation): before a cookie is set. */
void signal_check(const struct ticket *by, signal_done *done, void *ctx);

#endif
