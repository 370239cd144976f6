/* Lasting conversations and their people as answers say them (README: the HTTP contract). Pure functions. */
#ifndef CHAT_CONVERSATION_JSON_H
#define CHAT_CONVERSATION_JSON_H

#include "base/buf.h"
#include "chat/online.h"
#include "store/conversations_list.h"

#define CONVERSATION_JSON_MAX (512 * 1024) /* of one: a last message, 50 people, metadata */

/* as_service: without what is a member's own (unread, muted, role) and without anything that was said. online NULL: nobody is known to be. */
void conversation_json(struct buf *out, const struct conversation_view *v, const struct online *online, bool as_service);

/* {"participant","name","role","online","joinedAt","silencedUntil"?}; brief: without the last two. */
void person_json(struct buf *out, const struct member *m, const struct online *online, bool brief);

#endif
