/* A counselor's desk: the list of their sessions, the ways into its stream, and tickets for what stands on it (design §6, §7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "chat/desk.h"
#include "chat/session.h"
#include "chat/signal.h"
#include "http/body.h"
#include "http/origin.h"
#include "store/store.h"

static void listed(void *exchange, enum err e, const struct buf *json)
{
	if (e == OK)
		exchange_json(exchange, 200, json);
	else
		answer_error(exchange, e, NULL, 0);
}

void desk_show(struct exchange *x)
{
	desk_list(store_reads(), ticket_of(x)->participant, listed, x);
}

/* ---- the ways into EventSource ---- */

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

void desk_cookie(struct exchange *x)
{
	const struct visit *visit = visit_of(x);
	struct buf out;
	char as[9];

	if (!body_fine(x))
		return;
	ticket_short_hash(as, &visit->who.ticket);
	credentials_cookie_set(x, &visit->who.ticket, visit->who.jwt, visit->who.jwt_len);
	buf_init(&out, 256);
	buf_printf(&out, "{\"as\":\"%s\",\"expiresAt\":%lld}", as, (long long)visit->who.ticket.expires_at_ms);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

/* A cookie must go even after its ticket expired: forgetting asks for nothing but that the request is the page's own. */
void desk_cookie_clear(struct exchange *x)
{
	const struct request *r = &x->request;
	const char *as = NULL;

	if (request_query(r, "as", &as) != OK || (as && (strlen(as) != 8 || as[strspn(as, "0123456789abcdef")])))
		answer_error(x, ERR_BAD_REQUEST, "as must be 8 hex digits.", 0);
	else if (r->cookie && !origin_trusted(r, true))
		answer_error(x, ERR_FORBIDDEN, "A cookie is taken only from this site and from the listed origins.", 0);
	else if (credentials_cookies_clear(x, "/api/desk", as) > 0)
		exchange_empty(x, 204);
	else
		answer_error(x, ERR_UNAUTHENTICATED, NULL, 0);
}

static void ticket_put(void *exchange, enum err e)
{
	struct exchange *x = exchange;
	struct buf out;

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	buf_init(&out, 256);
	buf_printf(
		&out, "{\"ticket\":\"%s\",\"expiresAt\":%lld}", (const char *)visit_of(x)->more, (long long)(clock_now_ms() + STREAM_TICKET_MS));
	exchange_json(x, 201, &out);
	buf_done(&out);
}

void desk_stream_ticket_new(struct exchange *x)
{
	char *opaque;

	if (!body_fine(x))
		return;
	opaque = arena_alloc(&x->arena, STREAM_TICKET_LEN + 1);
	credentials_stream_ticket(opaque, ticket_of(x));
	visit_of(x)->more = opaque;
	desk_stream_ticket(store_commands(), ticket_of(x), opaque, ticket_put, x);
}

/* ---- a ticket for one of the sessions ---- */

static void may_sit(void *exchange, enum err e, const struct session *s)
{
	struct exchange *x = exchange;
	struct ticket t = *ticket_of(x);
	int64_t most = clock_now_ms() + config_number("ROOM_TICKET_S") * 1000;
	struct buf out;
	char *jwt;

	/* What is not theirs is as if it were not there, and so is what was: whose it was nobody knows any more. */
	if (e == ERR_GONE || (e == OK && strcmp(s->counselor, t.participant) != 0))
		e = ERR_NOT_FOUND;
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	t.kind = TICKET_PARTICIPANT;
	snprintf(t.conversation, sizeof t.conversation, "%s", s->id);
	snprintf(t.role, sizeof t.role, "%s", s->counselor_role);
	if (t.expires_at_ms > most) /* it must not outlive the credential it was got with */
		t.expires_at_ms = most;
	jwt = ticket_mint(&t);
	buf_init(&out, 8192);
	BUF_LIT(&out, "{\"ticket\":");
	if (jwt)
		buf_json(&out, jwt, strlen(jwt));
	else
		out.failed = true;
	buf_printf(&out, ",\"role\":\"%s\",\"expiresAt\":%lld}", t.role, (long long)(t.expires_at_ms / 1000 * 1000));
	exchange_json(x, 201, &out);
	buf_done(&out);
	free(jwt);
}

void desk_session_ticket(struct exchange *x)
{
	if (body_fine(x))
		session_get(x->request.params[0], may_sit, x);
}
