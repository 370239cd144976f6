/* MainServer's users have no account here: who they are and what they are called comes with their token. Noted once, not with every request. */
#ifndef CHAT_PERSON_H
#define CHAT_PERSON_H

#include <stdbool.h>
#include "chat/ticket.h"
#include "store/db.h"

/* Whether t's person, so called, is noted already, as far as this process remembers (an hour): then person_note may be left out. CPU only; any thread. */
bool person_noted(const struct ticket *t);

/* Notes t's person and name (store/people). Blocks. ERR_STORE_UNAVAILABLE is no reason to refuse anybody: it is tried again with the next request. */
enum err person_note(struct db *d, const struct ticket *t) MUST_CHECK;

#endif
