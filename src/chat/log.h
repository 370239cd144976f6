/* The one idea (design §3): a conversation is a log, whichever store it lives in. Two rows of functions: a session's log is a Redis list (store/lua), a lasting
 * conversation's a SQL table (store/entries). chat/message.h and chat/signal.h choose the row by the ticket and are what handlers call. */
#ifndef CHAT_LOG_H
#define CHAT_LOG_H

#include "chat/message.h"
#include "chat/signal.h"

struct log_kind {
	void (*append)(const struct message_new *n, message_done *done, void *ctx);
	void (*amend)(
		const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx);
	void (*erase)(const struct ticket *by, int64_t id, message_done *done, void *ctx); /* one message */
	/* One page; mode 'a'fter, 'b'efore or 'n'ewest. thread NULL: all. */
	void (*page)(
		const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx);
	void (*typing)(const struct ticket *by, bool is_typing, signal_done *done, void *ctx);
	void (*read)(const struct ticket *by, const char *up_to, signal_done *done, void *ctx);
	void (*alive)(const struct ticket *by, const char *cursor, signal_done *done, void *ctx);
	void (*presence)(const struct ticket *by, presence_done *done, void *ctx);
};

extern const struct log_kind log_session; /* chat/message.c, chat/signal.c */
extern const struct log_kind log_lasting; /* chat/lasting*.c */

/* TICKET_USER and TICKET_SERVICE (with a conversation): log_lasting. */
const struct log_kind *log_of(const struct ticket *by);

#endif
