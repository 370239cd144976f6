/* Lasting conversations: making, changing and erasing them, by the rights table. Everything here takes a connection and may block: it runs on a thread of
 * store/dbpool. What was committed is announced before these return.
 *
 * by: TICKET_USER, or TICKET_SERVICE (MainServer, which may come to any of them). Errors of all: ERR_NOT_FOUND, there is none, or none that by may see;
 * ERR_FORBIDDEN, by sees it and may not; ERR_STORE_UNAVAILABLE. */
#ifndef CHAT_CONVERSATION_H
#define CHAT_CONVERSATION_H

#include "chat/quota.h"
#include "chat/rights.h"
#include "chat/ticket.h"
#include "store/conversations.h"
#include "store/conversations_make.h"

#define CONVERSATION_TITLE_MAX 256
#define CONVERSATION_RETENTION_MAX_S 315360000 /* ten years */

/* Whom the store is asked for: the participant, or NULL for MainServer. */
const char *conversation_asker(const struct ticket *by);

/* What by is in c: a member's role, or RIGHTS_SERVICE. c was got for conversation_asker(by). */
const char *conversation_role(const struct conversation *c, const struct ticket *by);

/* OK or ERR_FORBIDDEN. */
enum err conversation_may(const struct conversation *c, const struct ticket *by, enum right right) MUST_CHECK;

/* Makes it, or finds the one that is meant: *made says which, *id (in the arena) names it. In m, by, pair and made_as are filled in here; people are complete, the
 * creator included. + ERR_CLIENT_ID_REUSED; ERR_CONFLICT: made with this clientId, and by is not in it any more; ERR_RATE_LIMITED with *wait. */
enum err conversation_create(struct db *d, struct arena *a, const struct ticket *by, struct conversation_make *m, const char *client_id,
	const char **id, bool *made, struct quota_wait *wait) MUST_CHECK;

/* What is to become of it; what is not given stays. */
struct conversation_change {
	const char *title, *channel, *status, *metadata; /* NULL: stays; metadata "{}": none any more */
	bool retention;                                  /* retention_s is given: -1 the setting's, 0 for ever */
	int64_t retention_s;
};
/* + ERR_RATE_LIMITED: what is told of it counts as a message. */
enum err conversation_change(
	struct db *d, const struct ticket *by, const char *id, const struct conversation_change *change, int *retry_after_s) MUST_CHECK;

enum err conversation_erase(struct db *d, const struct ticket *by, const char *id) MUST_CHECK;

/* Within db_write, c being locked: an entry that tells what somebody did, {"conversationId":…,"by":…,"at":…,<more>}; more: JSON members, or "". */
enum err conversation_tell(
	struct db *d, struct conversation *c, const struct ticket *by, const char *event, const char *more, int64_t now) MUST_CHECK;

/* Within db_write, c being locked for by: may he tell something now? It counts as a message (ROOM_SENDS), and MainServer always may. OK, ERR_RATE_LIMITED. */
enum err conversation_turn(struct db *d, const struct conversation *c, const struct ticket *by, int64_t now, int *retry_after_s) MUST_CHECK;

/* After a transaction that may have erased a conversation: deletes what is left of it, as much as is done quickly; the worker does the rest. */
void conversation_sweep(struct db *d);

#endif
