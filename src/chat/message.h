/* Messages of a conversation: send, edit, delete, history (design §3, §4), whichever kind it is (chat/log.h). Calls as in chat/session.h: asynchronous, done exactly
 * once, on a reply thread, a database thread, or the caller's own before the call returns.
 * Errors of every call: ERR_NOT_FOUND (no such conversation, or not the ticket's), ERR_GONE (expired or erased), ERR_FORBIDDEN, ERR_STORE_UNAVAILABLE. */
#ifndef CHAT_MESSAGE_H
#define CHAT_MESSAGE_H

#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "chat/ticket.h"

#define CONTENT_MAX_BYTES (16 * 1024) /* design §3 */
#define METADATA_MAX_BYTES 4096       /* as compact JSON */

struct message_new {
	const struct ticket *by;
	const char *content; /* content_len bytes of checked UTF-8 */
	size_t content_len;
	const char *type; /* "text", "file"; lasting conversations know no others. "system" is MainServer's: ERR_FORBIDDEN for everybody else */
	const char *client_id; /* NULL = none */
	int64_t reply_to;      /* a message's id, 0 = none; ERR_BAD_REQUEST when there is no such message */
	const char *thread_id; /* NULL = none */
	const char *metadata;  /* compact JSON object, NULL = none */
	const char
		*files; /* ids of files, a blank between, each once; NULL = none. ERR_BAD_REQUEST when one is not the sender's own and unsent */
};

struct message_sent {
	bool repeated;    /* the client id was seen before with the same content: answer 200 */
	const char *json; /* the message object of the contract; json_len bytes, no NUL */
	size_t json_len;
	int retry_after_s;   /* with ERR_RATE_LIMITED */
	const char *details; /* of an error, a sentence for the client; NULL none */
};

typedef void message_done(void *ctx, enum err e, const struct message_sent *m);

void message_send(
	const struct message_new *n, message_done *done, void *ctx); /* + SESSION_ENDED, LOG_FULL, CLIENT_ID_REUSED, RATE_LIMITED */
/* metadata NULL: stays as it was. + SESSION_ENDED, ERR_CONFLICT after 50 edits, ERR_NOT_FOUND for no message or a deleted one, LOG_FULL, RATE_LIMITED. m->json: the message now. */
void message_edit(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx);
void message_delete(
	const struct ticket *by, int64_t id, message_done *done, void *ctx); /* m->json: the deleted message; deleted before: OK */

/* A page: json is the whole answer {"messages":[…],"next":…,"previous":…,"cursor":…}. after/before: cursor text as the client gave it or NULL; not both
 * (ERR_BAD_REQUEST, also for cursors that are malformed or not of this log). thread: only that thread's messages; NULL all; ERR_NOT_FOUND when there is none. */
void message_history(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx);

#endif
