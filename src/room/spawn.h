/* Starts a program as a child that cannot outlive us and keeps nothing of ours but what it is given. */
#ifndef ROOM_SPAWN_H
#define ROOM_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "room/account.h"

struct spawn {
	char *const *argv;  /* argv[0] is the program's path */
	bool bare;          /* no environment but PATH: our secrets are not for everybody */
	int in;             /* becomes descriptor 0; -1: nothing to read */
	int out;            /* becomes descriptors 1 and 2 */
	const int *sockets; /* become descriptors 3, 4 …, announced as LISTEN_FDS */
	int socket_count;
	const struct account *account; /* NULL: ourselves */
	char *const *first; /* NULL, or a program that the child runs to its end before it becomes argv; what it asks is answered with y */
};

/* The child's pid, or -1 (errno). A program that cannot be run ends with 127 and says so on its out. */
pid_t spawn(const struct spawn *s);

/* What every child does first: dies with its parent, takes no signal handling of ours along, dumps no core. */
void spawn_prepare(pid_t parent);

#endif
