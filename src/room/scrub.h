/* lighttpd's error log on its way into the file. lighttpd writes the query of a request that failed (gw_backend.c), and a query may hold a stream
 * ticket: nothing of it may be kept. So lighttpd writes into a pipe, and each line loses what stands between `?` and the next blank. */
#ifndef ROOM_SCRUB_H
#define ROOM_SCRUB_H

#include <stdbool.h>
#include "base/buf.h"

struct scrub {
	int from;        /* our end of the pipe, non-blocking */
	int to_pipe;     /* lighttpd's end */
	int file;        /* the log */
	struct buf line; /* what has come of the current line */
};

bool scrub_init(struct scrub *s, int file);
void scrub_done(struct scrub *s);

/* Takes what is there, without waiting, and writes the whole lines of it. */
void scrub_pump(struct scrub *s);

/* Takes the queries out of a line (without its line end), in place; returns the new length. */
size_t scrub_line(char *line, size_t len);

#endif
