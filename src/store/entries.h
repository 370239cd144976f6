/* The log of a lasting conversation: rows of `entries` (sql/0007; what an entry is: store/lua/_conversation.lua, chat/entry.h). May block.
 *
 * Whatever appends runs within db_write, has locked the conversation (conversations_lock) and finds c->length, c->last_at … moved on afterwards. Each append
 * writes its outbox row too; when the transaction has committed, the caller says announce(id) (chat/announce.h). */
#ifndef STORE_ENTRIES_H
#define STORE_ENTRIES_H

#include "base/buf.h"
#include "store/conversations.h"

/* Something that is no message: "user:joined", "user:left", "thread:created", "conversation:updated", "history:erased" … data: one line of JSON.
 * *position (may be NULL) gets its place. Counts as no activity. */
enum err entries_event(struct db *d, struct conversation *c, const char *event, const char *data, int64_t now, int64_t *position) MUST_CHECK;

#endif
