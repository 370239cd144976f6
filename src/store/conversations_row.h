/* Between conversations.c and conversations_list.c. */
#ifndef STORE_CONVERSATIONS_ROW_H
#define STORE_CONVERSATIONS_ROW_H

#include "store/conversations.h"

/* Of `conversations c`; what follows them has the column CONVERSATION_WIDTH. */
#define CONVERSATION_COLUMNS \
	"c.n, c.id, c.type, c.channel, c.status, c.title, c.pair, c.made_as, c.metadata, c.made_by, c.made_at, c.last_at, c.retention_s, " \
	"c.birth, c.salt, c.length, c.floor, c.first_message, c.last_message"
#define CONVERSATION_TITLE 5
#define CONVERSATION_WIDTH 19

/* From the first columns of a result; me is zeroed. */
void conversation_row_read(struct conversation *out, const struct db_rows *r, struct arena *a);

#endif
