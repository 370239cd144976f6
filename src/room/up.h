/* What `room up` holds while it runs: made by up.c, kept alive by supervise.c, described to others by status.c. */
#ifndef ROOM_UP_H
#define ROOM_UP_H

#include <stdbool.h>
#include <sys/types.h>
#include "room/account.h"
#include "room/children.h"
#include "room/listen.h"
#include "room/place.h"
#include "room/programs.h"
#include "room/scrub.h"

struct up {
	struct place place;
	struct account account;
	struct listen_tcp tcp;
	int sockets[CHILD_KINDS]; /* CHILD_API and CHILD_HUB: their listening unix sockets */
	int logs[CHILD_KINDS];    /* where their output goes */
	struct scrub scrub;       /* between lighttpd and its log */
	struct program programs[CHILD_KINDS], mend_redis;
	struct children children;
	char *probe_url; /* how we reach ourselves through lighttpd */
	int signals;     /* signalfd */
	int epoll;
	pid_t announcer; /* the child that waits for the first GET /health and prints the ready line; 0: done */
	bool private_redis;
	bool demo;
	bool ready;
};

/* Runs until told to end (SIGTERM, SIGINT); then ends all children in order. The exit code. */
int supervise(struct up *u);

/* Writes ROOM_STATE/room.json anew: who runs, where. */
void status_write(const struct up *u);

/* Forks the announcer. */
pid_t announce(const struct up *u);

#endif
