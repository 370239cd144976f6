/* The two ways into EventSource, which cannot send headers: a cookie of this conversation, or a single-use stream ticket (design §6). */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "chat/signal.h"
#include "http/body.h"
#include "http/origin.h"

static void may_enter(void *exchange, enum err e)
{
	struct exchange *x = exchange;
	const struct visit *visit = visit_of(x);
	struct buf out;
	char as[9];

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	ticket_short_hash(as, &visit->who.ticket);
	credentials_cookie_set(x, &visit->who.ticket, visit->who.jwt, visit->who.jwt_len);
	buf_init(&out, 256);
	buf_printf(&out, "{\"as\":\"%s\",\"expiresAt\":%lld}", as, (long long)visit->who.ticket.expires_at_ms);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

/* These two take no members, but what is sent must be JSON all the same. */
static bool body_fine(struct exchange *x)
{
	struct body b;
	enum err e;

	body_open(&b, &x->request, false);
	e = b.error;
	if (e != OK)
		answer_error(x, e, b.details, 0);
	body_close(&b);
	return e == OK;
}

void entrance_cookie(struct exchange *x)
{
	if (body_fine(x))
		signal_check(ticket_of(x), may_enter, x);
}

static void ticket_put(void *exchange, enum err e)
{
	struct exchange *x = exchange;
	const char *opaque = visit_of(x)->more;
	struct buf out;

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	buf_init(&out, 256);
	buf_printf(&out, "{\"ticket\":\"%s\",\"expiresAt\":%lld}", opaque, (long long)(clock_now_ms() + STREAM_TICKET_MS));
	exchange_json(x, 201, &out);
	buf_done(&out);
}

void entrance_stream_ticket(struct exchange *x)
{
	char *opaque;

	if (!body_fine(x))
		return;
	if (ticket_of(x)->kind == TICKET_USER) {
		user_conversation_ticket(x);
		return;
	}
	opaque = arena_alloc(&x->arena, STREAM_TICKET_LEN + 1);
	credentials_stream_ticket(opaque, ticket_of(x));
	visit_of(x)->more = opaque;
	signal_stream_ticket(ticket_of(x), opaque, ticket_put, x);
}

/* ---- leaving ---- */

/* Forgetting needs no valid ticket (a cookie must go even after its ticket expired), only that the request is the page's own. */
void entrance_cookie_clear(struct exchange *x)
{
	const struct request *r = &x->request;
	struct credentials who;
	const char *details, *as = NULL;
	char path[32 + ID_MAX];

	if (r->authorization) {
		enum err e = credentials_participant(x, r->params[0], CREDENTIALS_ENTRANCE, &who, &details);
		if (e != OK) {
			answer_error(x, e, details, 0);
			return;
		}
		credentials_cookie_clear(x, &who.ticket);
		exchange_empty(x, 204);
		return;
	}
	if (request_query(r, "as", &as) != OK || (as && strlen(as) != 8)) {
		answer_error(x, ERR_BAD_REQUEST, "as must be 8 hex digits.", 0);
		return;
	}
	if (r->cookie && !origin_trusted(r, true)) {
		answer_error(x, ERR_FORBIDDEN, "A cookie is taken only from this site and from the listed origins.", 0);
		return;
	}
	snprintf(path, sizeof path, "/api/conversations/%s", r->params[0]);
	if (credentials_cookies_clear(x, path, as) > 0)
		exchange_empty(x, 204);
	else
		answer_error(x, ERR_UNAUTHENTICATED, NULL, 0);
}
