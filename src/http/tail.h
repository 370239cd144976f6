/* Replies that a peer did not take at once: a thread of its own writes what is left, so that whoever answered goes on. For http/exchange. */
#ifndef HTTP_TAIL_H
#define HTTP_TAIL_H

#include <stdbool.h>
#include <stddef.h>

#define TAIL_MS 2000 /* a reply not taken in this time is given up */

/* Takes over fd and bytes (malloc'ed, len of them, from offset on still to be written): both are gone afterwards, written or not. Any thread; never blocks. */
void tail_write(int fd, char *bytes, size_t len, size_t offset);

/* Something is still being written. */
bool tail_pending(void);

#endif
