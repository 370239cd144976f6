/* How often a user may do what costs others room or peace: make conversations, bring people in, upload files into lasting conversations (ROOM_CONVERSATIONS, ROOM_INVITES,
 * ROOM_UPLOADS). Counted in SQL, so that it holds without Redis, too; MainServer's doings are not. On threads of store/dbpool; may block. */
#ifndef CHAT_QUOTA_H
#define CHAT_QUOTA_H

#include "chat/ticket.h"
#include "store/db.h"

enum quota { QUOTA_CONVERSATIONS, QUOTA_INVITES, QUOTA_UPLOADS };

/* What goes with ERR_RATE_LIMITED; else 0 and NULL. */
struct quota_wait {
	int retry_after_s;
	const char *why; /* a static sentence for the client */
};

/* n more of it (several at once may exceed what was left, and then fill it). Within db_write: when that fails, they are not counted.
 * OK, ERR_RATE_LIMITED, ERR_STORE_UNAVAILABLE. */
enum err quota_take(struct db *d, const struct ticket *by, enum quota what, int64_t n, struct quota_wait *wait) MUST_CHECK;

/* The same in a transaction of its own. */
enum err quota_take_one(struct db *d, const struct ticket *by, enum quota what, struct quota_wait *wait) MUST_CHECK;

#endif
