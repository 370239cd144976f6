/* Routes are rows of a table; the row carries the policy. Used by both programs in cgi-bin. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/exchange.h"

/* Who may knock; checked before the handler runs (see api/guard.h and the stream's own guard). */
enum who {
	WHO_ANYONE,
	WHO_SERVICE,
	WHO_PARTICIPANT,
	WHO_ENTRANT,      /* a participant about to get a cookie, perhaps beside another's */
	WHO_DESK,         /* a counselor, without a session */
	WHO_DESK_ENTRANT, /* the same, about to get a cookie */
	WHO_USER,         /* somebody of lasting conversations: account or MainServer's user */
	WHO_USER_ENTRANT, /* the same, about to get a cookie */
	WHO_MEMBER,       /* a participant with a ticket (session), or a user (lasting conversation): whoever may be in {id} */
	WHO_KEEPER,       /* WHO_MEMBER, or MainServer */
	WHO_MANAGER,      /* a user, or MainServer: routes of lasting conversations that a service may call, too */
};

struct route {
	enum method method;
	const char *pattern; /* "/api/sessions/{id}/end": {…} matches one id (^[A-Za-z0-9_-]{1,64}$) */
	enum who who;
	unsigned needs; /* ticket permissions (enum act bits), all of them */
	void (*handle)(struct exchange *x);
};

/* Finds the row for x's method and path, fills request.params. NULL when none: then *allow_out is "" for an unknown path, otherwise the Allow
 * header's value for 405 (in the arena; OPTIONS included). HEAD matches GET. Paths with an empty segment, "." or ".." match nothing. */
const struct route *router_find(const struct route *rows, size_t n, struct exchange *x, const char **allow_out);

/* CORS and the request's form, before any handler: adds the Access-Control and Vary headers for an allowed Origin; answers preflights (returns true: answered),
 * malformed (400), too large (413) requests. */
bool router_gate(struct exchange *x, const struct route *rows, size_t n);

/* gate, find, 404/405, then route->handle. */
void router_run(const struct route *rows, size_t n, struct exchange *x, void (*guarded)(struct exchange *x, const struct route *route));

#endif
