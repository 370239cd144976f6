/* Accepting ahead of parsing: a thread that only accepts, so that a burst of connections never fills the socket's backlog (lighttpd takes a full one for a
 * dead backend and answers 503 for a second). For http/exchange. */
#ifndef HTTP_AHEAD_H
#define HTTP_AHEAD_H

/* Starts the thread, which calls accept_one (blocking; -1 ends it) and keeps what it returns. Once per process. */
void ahead_start(int (*accept_one)(void));

/* The next connection, oldest first; blocks. -1 when the thread has ended and nothing is left. Any number of threads. */
int ahead_take(void);

#endif
