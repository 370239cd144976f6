/* Telling the world what was committed to lasting conversations: readers' hubs and everybody's feeds, through Redis, in the log's order (design §4).
 *
 * The outbox (store/outbox.h) says what there is to tell; a row is deleted when Redis has it. So a process may die at any instant: whoever sweeps next tells it.
 * Telling again harms nobody: Redis keeps, per conversation, up to where it was told, and per feed, up to where it got each conversation. */
#ifndef CHAT_ANNOUNCE_H
#define CHAT_ANNOUNCE_H

#include "base/err.h"
#include "store/entries.h"

/* Once in the api program, after store_open and dbpool_open: begins the sweep that runs each second. close: before dbpool_close. */
void announce_open(void);
void announce_close(void);

/* A transaction about that conversation has committed (also: it is erased). Returns at once; any thread. */
void announce(const char *conversation);

/* The same for who has it all at hand: consecutive entries, as lines, and who is in the conversation. Everything is copied. */
struct announced {
	const char *conversation;
	const struct entry_line *lines; /* line_count ≥ 1 */
	int line_count;
	const char *const *members; /* at most ANNOUNCE_FEEDS + 1 */
	int member_count;
	const char *actors; /* who did it, which is a sign of life: lines "participant role" */
};
void announce_lines(const struct announced *a);

/* Is Redis there? Without it all waits in the outbox. */
bool announce_possible(void);

/* Conversations with more people than this are not put into their feeds. */
#define ANNOUNCE_FEEDS 200

#endif
