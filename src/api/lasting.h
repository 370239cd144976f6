/* What the handlers of lasting conversations and of users share: from the accepting thread to one of the pool's, which may block. */
#ifndef API_LASTING_H
#define API_LASTING_H

#include "http/body.h"
#include "http/exchange.h"
#include "store/dbpool.h"

/* fn(d, x) on a thread of the pool answers x. 503 when no connection is to be had. */
void lasting_run(struct exchange *x, void (*fn)(struct db *d, struct exchange *x));

/* The same when nothing was wrong with the body, else answers what was; closes it. What was read of it must be in x's arena. */
void lasting_run_body(struct exchange *x, struct body *b, void (*fn)(struct db *d, struct exchange *x));

/* A member of the body that names somebody: an id, and not what MainServer speaks as, who is in no conversation. */
const char *lasting_person(struct body *b, const char *name);

/* On routes that sessions have, too: MainServer comes to lasting conversations only, a session's want a participant's ticket. True: it was refused. */
bool lasting_service_refused(struct exchange *x);

/* ?after= of a list by time, as its `next` said it: "<ms>-<id>". Without it *at stays as it is and *id is "". False: it is nothing of the kind. */
bool lasting_read_after(const struct request *r, int64_t *at, const char **id);

#endif
