/* The two ways into EventSource, which cannot send headers (design §6): a cookie, or a single-use stream ticket; of a conversation, of a counselor's desk, of a user's feed.
 * Users who have logged in have a cookie already. */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "api/routes.h"
#include "base/clock.h"
#include "chat/signal.h"
#include "chat/stream_ticket.h"
#include "http/origin.h"
#include "store/conversations.h"
#include "store/store.h"

/* ---- cookies ---- */

static void give_cookie(struct exchange *x)
{
	const struct credentials *who = &visit_of(x)->who;
	struct buf out;
	char as[9];

	if (who->jwt) /* otherwise it came with the login cookie, and nothing is missing */
		credentials_cookie_set(x, &who->ticket, who->jwt, who->jwt_len);
	ticket_short_hash(as, &who->ticket);
	buf_init(&out, 256);
	buf_printf(&out, "{\"as\":\"%s\",\"expiresAt\":%lld}", as, (long long)who->ticket.expires_at_ms);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void may_enter(void *exchange, enum err e)
{
	if (e == OK)
		give_cookie(exchange);
	else
		answer_error(exchange, e, NULL, 0);
}

void entrance_cookie(struct exchange *x)
{
	if (guard_bare_body(x))
		signal_check(ticket_of(x), may_enter, x);
}

void entrance_own_cookie(struct exchange *x)
{
	if (guard_bare_body(x))
		give_cookie(x);
}

/* ---- stream tickets ---- */

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

static void give_ticket(struct exchange *x)
{
	char *opaque = arena_alloc(&x->arena, USER_STREAM_TICKET_LEN + 1);

	credentials_stream_ticket(opaque, ticket_of(x));
	visit_of(x)->more = opaque;
	stream_ticket_put(store_commands(), ticket_of(x), opaque, ticket_put, x);
}

/* Whether the session has a place for its participant, the store looks by itself. */
static void check_membership(struct db *d, struct exchange *x)
{
	const struct ticket *t = ticket_of(x);
	struct conversation c;
	enum err e = conversations_get(d, &x->arena, t->conversation, t->participant, &c);

	if (e == OK)
		give_ticket(x);
	else
		answer_error(x, e, NULL, 0);
}

void entrance_stream_ticket(struct exchange *x)
{
	if (!guard_bare_body(x))
		return;
	if (ticket_of(x)->kind == TICKET_USER)
		lasting_run(x, check_membership);
	else
		give_ticket(x);
}

void entrance_own_stream_ticket(struct exchange *x)
{
	if (guard_bare_body(x))
		give_ticket(x);
}

/* ---- leaving ---- */

/* ERR_BAD_REQUEST: ?as= is no short hash. */
static enum err read_as(const struct request *r, const char **as)
{
	*as = NULL;
	if (request_query(r, "as", as) != OK || (*as && (strlen(*as) != 8 || (*as)[strspn(*as, "0123456789abcdef")])))
		return ERR_BAD_REQUEST;
	return OK;
}

/* Forgetting needs no valid ticket (a cookie must go even after its ticket expired), only that the request is the page's own. */
static void clear_cookies(struct exchange *x, const char *path)
{
	const char *as;

	if (read_as(&x->request, &as) != OK)
		answer_error(x, ERR_BAD_REQUEST, "as must be 8 hex digits.", 0);
	else if (x->request.cookie && !origin_trusted(&x->request, true))
		answer_error(x, ERR_FORBIDDEN, "A cookie is taken only from this site and from the listed origins.", 0);
	else if (credentials_cookies_clear(x, path, as) > 0)
		exchange_empty(x, 204);
	else
		answer_error(x, ERR_UNAUTHENTICATED, NULL, 0);
}

void entrance_cookie_clear(struct exchange *x)
{
	const char *conversation = x->request.params[0], *details;
	struct credentials who;
	char path[32 + ID_MAX];
	enum err e;

	if (!x->request.authorization) {
		snprintf(path, sizeof path, "/api/conversations/%s", conversation);
		clear_cookies(x, path);
		return;
	}
	e = credentials_participant(x, conversation, CREDENTIALS_ENTRANCE, &who, &details);
	if (e != OK) {
		answer_error(x, e, details, 0);
		return;
	}
	credentials_cookie_clear(x, &who.ticket);
	exchange_empty(x, 204);
}

void entrance_desk_cookie_clear(struct exchange *x)
{
	clear_cookies(x, "/api/desk");
}

void entrance_user_cookie_clear(struct exchange *x)
{
	const char *details = NULL, *as;
	enum err e = x->request.authorization ? OK : credentials_against_forgery(&x->request, &details);

	if (e == OK) {
		e = read_as(&x->request, &as);
		details = "as must be 8 hex digits, as POST /api/cookie answered them.";
	}
	if (e != OK) {
		answer_error(x, e, details, 0);
		return;
	}
	credentials_users_clear(x, as);
	exchange_empty(x, 204);
}
