/* Accepting ahead of parsing: a thread that only accepts, so that a burst of connections never fills the socket's backlog (lighttpd takes a full one for a
 * dead backend and answers 503 for a second). And only what has come whole is handed on, so that whoever parses waits for no peer: the rest is
 * watched by another thread, and closed after 2 s without a byte (also one that has come in so
 * many small pieces that its socket is full; lighttpd writes whole records). For http/exchange. */
#ifndef HTTP_AHEAD_H
#define HTTP_AHEAD_H

#include <stdbool.h>

/* Starts the threads. accept_one blocks, -1 ends it all; is_whole says without blocking whether reading fd would not block, either (it is asked again when
 * more has come). Once per process. */
void ahead_start(int (*accept_one)(void), bool (*is_whole)(int fd));

/* The next connection; blocks. -1 when accepting has ended and nothing is left, nothing half-sent, either. Any number of threads. */
int ahead_take(void);

#endif
