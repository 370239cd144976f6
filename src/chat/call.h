/* What the chat files share in calling scripts: the participant's arguments, and the errors of replies. Internal to chat/. */
#ifndef CHAT_CALL_H
#define CHAT_CALL_H

#include <stdlib.h>
#include "chat/cursor.h"
#include "chat/ticket.h"
#include "store/redis.h"

/* KEYS of the ticket's conversation and ARGV 1-5 of store/lua/_participant.lua. a is initialised. */
void call_participant(struct args *a, const struct ticket *by);

/* Adds ROOM_SENDS and ROOM_SENDS_BURST as four arguments: messages, ms, messages, ms. */
void call_rates(struct args *a);

/* Adds n random hex digits. */
void call_hex(struct args *a, size_t n);

/* Adds twenty-four random hex digits and the id of the HTTP request ("" none). */
void call_mark(struct args *a, const char *request);

/* The answer of a script: OK or its error; *retry_after_s (may be NULL) is filled with RATE_LIMITED. */
enum err call_err(const struct reply *r, int *retry_after_s);

/* The same of scripts that ask for a hub's lease. NO_LEASE is between hubs and scripts only, no error of the contract: ERR_STORE_UNAVAILABLE and *no_lease. */
enum err call_hub_err(const struct reply *r, bool *no_lease);

/* Adds c's position and check; '' for both when c is NULL. */
void call_cursor(struct args *a, const struct cursor *c);

/* ARGV of leave.lua and lasting_leave.lua. left_ms_ago < 0: not a clean leave. */
void call_leave(struct args *a, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago);

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
