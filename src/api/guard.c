/* See guard.h. */
#include <stdatomic.h>
#include <string.h>

#include "api/guard.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "chat/login.h"
#include "chat/person.h"
#include "store/dbpool.h"
#include "store/store.h"

#define LOGGED_PER_S 20 /* an outage fails thousands a second: a sample will do */
#define RETRY_STORE_S 1

METRIC_COUNTER(requests, "room_api_requests_total", "REST requests that came to a handler or its guard.");
METRIC_COUNTER(refused, "room_api_refused_total", "REST requests answered 4xx.");
METRIC_COUNTER(failed, "room_api_failed_total", "REST requests answered 5xx.");

/* True for the first LOGGED_PER_S in each second; *left_out gets the number of those that were not, once. */
static bool may_log(int64_t *left_out)
{
	static _Atomic int64_t second, count, skipped;
	int64_t now = clock_mono_ms() / 1000, was = atomic_load(&second);

	if (now != was && atomic_compare_exchange_strong(&second, &was, now))
		atomic_store(&count, 0);
	if (atomic_fetch_add(&count, 1) >= LOGGED_PER_S) {
		atomic_fetch_add(&skipped, 1);
		return false;
	}
	*left_out = atomic_exchange(&skipped, 0);
	return true;
}

static void log_failure(const struct exchange *x, const struct err_row *row)
{
	const struct visit *visit = x->slot;
	int64_t left_out = 0;

	if (may_log(&left_out))
		log_line(LOG_WARN, "request.failed", "s:request", x->request.id, "s:code", row->code, "s:route", visit ? visit->route->pattern : "",
			"i:ms", clock_mono_ms() - x->born_ms, "i:left_out", left_out, NULL);
}

void answer_error(struct exchange *x, enum err e, const char *details, int retry_after_s)
{
	const struct err_row *row = err_row(e);

	if (row->status >= 500) {
		metric_add(&failed, 1);
		log_failure(x, row);
	} else {
		metric_add(&refused, 1);
	}
	if (e == ERR_STORE_UNAVAILABLE && retry_after_s == 0)
		retry_after_s = RETRY_STORE_S;
	exchange_error(x, e, details, retry_after_s);
}

bool guard_body(struct exchange *x, struct body *b)
{
	body_close(b);
	if (b->error != OK)
		answer_error(x, b->error, b->details, 0);
	return b->error == OK;
}

bool guard_bare_body(struct exchange *x)
{
	struct body b;

	body_open(&b, &x->request, false);
	return guard_body(x, &b);
}

void answer_empty(void *exchange, enum err e)
{
	if (e == OK)
		exchange_empty(exchange, 204);
	else
		answer_error(exchange, e, NULL, 0);
}

/* Whether the route is about one conversation, which the path names first. */
static bool of_conversation(const struct route *route)
{
	static const char stem[] = "/api/conversations/{";

	return strncmp(route->pattern, stem, sizeof stem - 1) == 0;
}

_Static_assert(sizeof((struct request *)0)->id == sizeof((struct ticket *)0)->request, "an id of ours is one for a ticket");

/* What only sessions have does not exist for users, and the other way round; elsewhere a token of the wrong kind is refused. */
static enum err for_sessions(struct exchange *x, enum credentials_use use, struct credentials *who, const char **details)
{
	enum err e = credentials_member(x, x->request.params[0], use, who, details);

	return e == OK && who->ticket.kind == TICKET_USER ? ERR_NOT_FOUND : e;
}

static enum err for_users(const struct route *route, const struct credentials *who, enum err e, const char **details)
{
	if (e != ERR_FORBIDDEN || !of_conversation(route) || who->ticket.kind != TICKET_PARTICIPANT || !*who->ticket.conversation)
		return e;
	*details = NULL;
	return ERR_NOT_FOUND;
}

/* Mostly it is a member: MainServer's token is looked for in what was refused. */
static enum err for_keepers(struct exchange *x, struct credentials *who, const char **details)
{
	enum err e = credentials_member(x, x->request.params[0], CREDENTIALS_REST, who, details);

	if (e != ERR_FORBIDDEN || who->ticket.kind != TICKET_SERVICE)
		return e;
	*details = NULL;
	who->known = true;
	snprintf(who->ticket.conversation, sizeof who->ticket.conversation, "%s", x->request.params[0]);
	return OK;
}

static enum err look(struct exchange *x, const struct route *route, struct credentials *who, const char **details)
{
	const char *conversation = of_conversation(route) ? x->request.params[0] : NULL;

	switch (route->who) {
	case WHO_ANYONE: return OK;
	case WHO_SERVICE: return credentials_other(x, TICKET_SERVICE, &who->ticket, details);
	case WHO_DESK: return credentials_desk(x, CREDENTIALS_REST, who, details);
	case WHO_DESK_ENTRANT: return credentials_desk(x, CREDENTIALS_ENTRANCE, who, details);
	case WHO_PARTICIPANT: return for_sessions(x, CREDENTIALS_REST, who, details);
	case WHO_ENTRANT: return for_sessions(x, CREDENTIALS_ENTRANCE, who, details);
	case WHO_USER: return for_users(route, who, credentials_user(x, conversation, CREDENTIALS_REST, who, details), details);
	case WHO_USER_ENTRANT: return for_users(route, who, credentials_user(x, conversation, CREDENTIALS_ENTRANCE, who, details), details);
	case WHO_MEMBER: return credentials_member(x, conversation, CREDENTIALS_REST, who, details);
	case WHO_KEEPER: return for_keepers(x, who, details);
	case WHO_MANAGER: return for_users(route, who, credentials_manager(x, conversation, who, details), details);
	}
	return ERR_INTERNAL;
}

/* Session tickets say what they allow; what a user may do, his role in the conversation says. */
static bool allowed(const struct route *route, const struct ticket *t)
{
	return t->kind == TICKET_USER || t->kind == TICKET_SERVICE || (t->acts & route->needs) == route->needs;
}

/* The last stretch, on whichever thread found out who it is. */
static void enter(struct exchange *x)
{
	struct visit *visit = visit_of(x);

	memcpy(visit->who.ticket.request, x->request.id, sizeof visit->who.ticket.request);
	if (allowed(visit->route, &visit->who.ticket))
		visit->route->handle(x);
	else
		answer_error(x, ERR_FORBIDDEN, "The ticket does not allow this.", 0);
}

static void note(struct db *d, void *exchange)
{
	enum err e = d ? person_note(d, ticket_of(exchange)) : ERR_STORE_UNAVAILABLE;

	(void)e;
	enter(exchange);
}

/* Who comes for the first time is noted before anything is done that others see. */
static void meet(struct exchange *x)
{
	if (person_noted(ticket_of(x)) || dbpool_run(note, x) != OK)
		enter(x);
}

static void settled(void *exchange, enum err e, const char *details)
{
	if (e == OK)
		meet(exchange);
	else
		answer_error(exchange, e, details, 0);
}

void guard_run(struct exchange *x, const struct route *route)
{
	struct visit *visit = arena_alloc(&x->arena, sizeof *visit);
	const char *details = NULL;
	enum err e;

	metric_add(&requests, 1);
	visit->route = route;
	x->slot = visit;
	e = look(x, route, &visit->who, &details);
	if (e != OK)
		answer_error(x, e, details, 0);
	else if (credentials_unsettled(&visit->who))
		credentials_settle(store_commands(), &visit->who, settled, x);
	else if (visit->who.ticket.kind == TICKET_USER)
		meet(x);
	else
		enter(x);
}
