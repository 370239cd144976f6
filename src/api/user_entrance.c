/* The ways of users into EventSource, which cannot send headers (design §6): whoever has logged in has a cookie already; a bearer gets one here, or a single-use stream ticket
 * for the feed (for a conversation: entrance.c). */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "chat/signal.h"
#include "chat/user_ticket.h"
#include "http/body.h"
#include "store/conversations.h"
#include "store/dbpool.h"
#include "store/store.h"

/* Nothing is asked for, but what is sent must be JSON all the same. */
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

void user_cookie(struct exchange *x)
{
	const struct visit *visit = visit_of(x);
	struct buf out;
	char as[9];

	if (!body_fine(x))
		return;
	if (visit->who.jwt) /* otherwise it came with the login cookie, and nothing is missing */
		credentials_cookie_set(x, &visit->who.ticket, visit->who.jwt, visit->who.jwt_len);
	ticket_short_hash(as, &visit->who.ticket);
	buf_init(&out, 256);
	buf_printf(&out, "{\"as\":\"%s\",\"expiresAt\":%lld}", as, (long long)visit->who.ticket.expires_at_ms);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

void user_cookie_clear(struct exchange *x)
{
	const char *details = NULL, *as = NULL;
	enum err e = x->request.authorization ? OK : credentials_against_forgery(&x->request, &details);

	if (e == OK && (request_query(&x->request, "as", &as) != OK || (as && (strlen(as) != 8 || as[strspn(as, "0123456789abcdef")])))) {
		e = ERR_BAD_REQUEST;
		details = "as must be 8 hex digits, as POST /api/cookie answered them.";
	}
	if (e != OK) {
		answer_error(x, e, details, 0);
		return;
	}
	credentials_users_clear(x, as);
	exchange_empty(x, 204);
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

static void make_ticket(struct exchange *x)
{
	char *opaque = arena_alloc(&x->arena, USER_STREAM_TICKET_LEN + 1);

	credentials_stream_ticket(opaque, ticket_of(x));
	visit_of(x)->more = opaque;
	user_ticket_put(store_commands(), ticket_of(x), opaque, ticket_put, x);
}

void user_stream_ticket(struct exchange *x)
{
	if (body_fine(x))
		make_ticket(x);
}

static void check_membership(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	const struct ticket *t = ticket_of(x);
	struct conversation c;
	enum err e = d ? conversations_get(d, &x->arena, t->conversation, t->participant, &c) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		make_ticket(x);
	else
		answer_error(x, e, NULL, 0);
}

void user_conversation_ticket(struct exchange *x)
{
	if (dbpool_run(check_membership, x) != OK)
		answer_error(x, ERR_STORE_UNAVAILABLE, NULL, 0);
}
