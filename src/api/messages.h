/* What other resources share of messages: api/threads and api/chats send and page, too. */
#ifndef API_MESSAGES_H
#define API_MESSAGES_H

#include <stdbool.h>
#include "http/exchange.h"

/* Reads the body and sends it, into that thread (NULL: what the body says); answers. */
void messages_send_into(struct exchange *x, const char *thread);

struct messages_page {
	const char *after, *before; /* as the client gave them, or NULL; not both */
	long limit;
};

/* From the query; false: answered with what is wrong. */
bool messages_read_page(struct exchange *x, struct messages_page *p);

#endif
