/* The command lines of what `room up` runs, and the files they need. */
#ifndef ROOM_PROGRAMS_H
#define ROOM_PROGRAMS_H

#include <stdbool.h>
#include "room/account.h"
#include "room/place.h"

#define PROGRAM_ARGS 64

struct program {
	char *argv[PROGRAM_ARGS]; /* closed by NULL; owned */
	int argc;
};

void program_done(struct program *p);

/* False after saying what is missing. */
bool program_handler(struct program *out, const struct place *place, const char *name); /* "api.fcgi", "stream.fcgi" */
bool program_worker(struct program *out);                                               /* this command's file, as `room worker --stay` */
bool program_redis(struct program *out, const struct place *place);
/* To be run before each start of Redis: takes a transaction that a kill cut short off the end of its log. Redis itself passes over it, leaves its beginning
 * there and writes on behind it, so that the start after that takes half of it for good, and what comes next for its end (valkey-io/valkey#4342). */
bool program_mend_redis(struct program *out, const struct place *place);
bool program_lighttpd(struct program *out, const struct place *place, const struct account *account, bool tls, int max_fds);

#endif
