/* Telling the world what was committed to lasting conversations: readers' hubs and everybody's feeds, through Redis, in the log's order (design §4).
 *
 * The outbox (store/entries.h) says what there is to tell; a row is deleted when Redis has it. So a process may die at any instant: whoever sweeps next tells it.
 * Telling again harms nobody: Redis keeps, per conversation, up to where it was told. */
#ifndef CHAT_ANNOUNCE_H
#define CHAT_ANNOUNCE_H

#include "base/err.h"

/* Once in the api program, after store_open and dbpool_open: begins the sweep that runs each second. */
void announce_open(void);
void announce_close(void);

/* A transaction about that conversation has committed. Returns at once; any thread. */
void announce(const char *conversation);

#endif
