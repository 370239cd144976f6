/* Who may knock at a REST route, and how its answers leave: called by cgi-bin/api.c on an accepting thread, before any handler. */
#ifndef API_GUARD_H
#define API_GUARD_H

#include "chat/credentials.h"
#include "http/body.h"
#include "http/router.h"

/* What the guard found out, in the exchange's slot while a handler has it. */
struct visit {
	const struct route *route;
	struct credentials who; /* .ticket for every route that asks for one; .jwt for participants' */
	void *more;             /* the handler's own, in the arena */
};

static inline struct visit *visit_of(struct exchange *x)
{
	return x->slot;
}

static inline const struct ticket *ticket_of(struct exchange *x)
{
	return &visit_of(x)->who.ticket;
}

/* Checks what route asks for, answers refusals, else runs its handler: at once, or (a login had to be looked up, a new person to be noted) on a thread that replies come on
 * or one of store/dbpool. */
void guard_run(struct exchange *x, const struct route *route);

/* Every answer that is an error goes through here: counted, and logged when it is our fault (5xx). Ends the exchange. */
void answer_error(struct exchange *x, enum err e, const char *details, int retry_after_s);

/* Closes b. True: nothing was wrong with it; else that is the answer. What was read of it is gone, but for what is in x's arena. */
bool guard_body(struct exchange *x, struct body *b) MUST_CHECK;

/* The body of a route that asks for no members: what is sent must be JSON all the same. True: it is; else that is the answer. */
bool guard_bare_body(struct exchange *x) MUST_CHECK;

/* OK: 204; else the error. */
void answer_empty(void *exchange, enum err e);

#endif
