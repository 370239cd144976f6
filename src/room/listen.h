/* Listening sockets. `room up` makes them all and hands them to its children, so that no child's death closes one: who connects meanwhile
 * waits in the backlog. All are close-on-exec here. */
#ifndef ROOM_LISTEN_H
#define ROOM_LISTEN_H

#include "room/account.h"

#define LISTEN_BACKLOG \
	16384 /* as far as net.core.somaxconn lets us; measured: 50 of 2,000 simultaneous connects failed at 1024, at 4096 some of 8,000 */
#define LISTEN_TCP_MAX 8

struct listen_tcp {
	int fds[LISTEN_TCP_MAX];
	int count;
	int port;
};

/* Listens on every address that host has ("*": all of this machine, "localhost": both loopbacks, as far as there are). port 0 takes a free
 * one. 0, or the exit code after saying why. */
int listen_tcp(struct listen_tcp *out, const char *host, int port);
void listen_tcp_close(struct listen_tcp *t);

/* Listens on a unix socket that only we and the account can connect to; a left-over is replaced. -1 after saying why. */
int listen_unix(const char *path, const struct account *account);

#endif
