/* Cursors: "<position>-<12 hex digits>" (design §1). Opaque to clients, so anything else is simply no cursor. */
#ifndef CHAT_CURSOR_H
#define CHAT_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/id.h"

struct cursor {
	int64_t position; /* 0 stands before the first entry */
	char check[ID_CHECK_LEN + 1];
};

#define CURSOR_TEXT_MAX (20 + 1 + ID_CHECK_LEN + 1)

/* False when text is no cursor (out is untouched then). Positions end at 15 digits: what Lua counts exactly. */
bool cursor_parse(struct cursor *out, const char *text);
/* The same for a message's id in decimal as well: then the check stays empty. */
bool cursor_or_id(struct cursor *out, const char *text);
void cursor_print(char out[CURSOR_TEXT_MAX], const struct cursor *c);

#endif
