/* One side's page, as `room life` plays it: follows a conversation's stream (SSE) with a thread of its own and remembers the events. */
#ifndef ROOM_LISTENER_H
#define ROOM_LISTENER_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

struct listener;

/* Connects to 127.0.0.1:port; last_id: where to resume, or NULL. NULL when there is no connection. */
struct listener *listener_open(int port, const char *path, const char *ticket, const char *last_id);

/* Hangs up, as a page that is closed. Takes NULL. */
void listener_close(struct listener *l);

/* Waits until `count` events of that name came. False: time is up, or *stop became true. */
bool listener_wait(struct listener *l, const char *name, int count, int within_ms, const atomic_bool *stop);

int listener_count(struct listener *l, const char *name);

/* A text of the data of the i-th event of that name; "" when there is none. In a buffer of the caller's. */
const char *listener_text(struct listener *l, const char *name, int i, const char *member, char *out, size_t size);

#endif
