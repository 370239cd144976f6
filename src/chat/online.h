/* Who of many people is online: has a feed open anywhere, or did something within the last 60 s. Redis knows, and only Redis: without it nobody is known to be,
 * and nothing fails. */
#ifndef CHAT_ONLINE_H
#define CHAT_ONLINE_H

#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>

/* A set of people; its memory is the arena's. */
struct online {
	struct arena *arena;
	const char **ids; /* sorted once they are asked for */
	bool *here;
	size_t count, room;
	bool known; /* Redis said it */
};

void online_init(struct online *o, struct arena *a);
void online_add(struct online *o, const char *id); /* borrowed */

/* Whether one is connected to anything, or to that conversation: done(ctx, here) as online_look calls it. */
void online_connected(const char *id, const char *conversation, void (*done)(void *ctx, bool here), void *ctx);

/* Asks for all of them and calls done(ctx) exactly once: on a reply thread, or at once when there is nothing to ask. o stays where it is until then. */
void online_look(struct online *o, void (*done)(void *ctx), void *ctx);

bool online_has(const struct online *o, const char *id);

#endif
