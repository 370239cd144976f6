/* What the chat files share in calling scripts: the participant's arguments, and the errors of replies. Internal to chat/. */
#ifndef CHAT_CALL_H
#define CHAT_CALL_H

#include <stdlib.h>
#include "chat/ticket.h"
#include "store/redis.h"

/* KEYS of the ticket's conversation and ARGV 1-5 of store/lua/_participant.lua. a is initialised. */
void call_participant(struct args *a, const struct ticket *by);

/* Adds ROOM_SENDS and ROOM_SENDS_BURST as four arguments: messages, ms, messages, ms. */
void call_rates(struct args *a);

/* Adds n random hex digits. */
void call_hex(struct args *a, size_t n);

/* The answer of a script: OK or its error; *retry_after_s (may be NULL) is filled with RATE_LIMITED. */
enum err call_err(const struct reply *r, int *retry_after_s);

/* Small allocations that fail abort: we are restarted. Zeroed. */
static inline void *call_alloc(size_t bytes)
{
	void *p = calloc(1, bytes);
	if (p == NULL)
		abort();
	return p;
}

enum { LOG_MOST = 20000, EDITS_MOST = 50, READ_MOST = 200, READ_BYTES = 256 * 1024 }; /* design §3 */

#endif
