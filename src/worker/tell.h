/* Telling MainServer: puts a message into the outbox (store/webhooks), from where the job `webhook` delivers it. Within db_write it joins the
 * transaction of what it tells. Without ROOM_WEBHOOK_URL it does nothing. */
#ifndef WORKER_TELL_H
#define WORKER_TELL_H

#include <jansson.h>
#include "store/db.h"

/* type: "session.expired" … (design §9). The same (type, conversation, key_ms) is told once, however often this is called: key_ms is what tells
 * apart two messages of a type about a conversation, e.g. createdAt of that life, or the instant of what happened. data: no content, no names; borrowed. */
enum err tell(struct db *d, const char *type, const char *conversation, int64_t key_ms, int64_t at_ms, const json_t *data) MUST_CHECK;

/* The same with more to it. */
struct tell_item {
	const char *key; /* stands in the place of type when type and key_ms alone would not tell them apart; NULL: type */
	const char *type, *conversation;
	const char *request_id; /* of the HTTP request that caused it; NULL or "": none did */
	int64_t key_ms, at_ms;
};
enum err tell_item(struct db *d, const struct tell_item *t, const json_t *data) MUST_CHECK;

#endif
