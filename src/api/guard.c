/* See guard.h. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

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

void answer_empty(void *exchange, enum err e)
{
	if (e == OK)
		exchange_empty(exchange, 204);
	else
		answer_error(exchange, e, NULL, 0);
}

static enum err look(struct exchange *x, const struct route *route, struct credentials *who, const char **details)
{
	switch (route->who) {
	case WHO_ANYONE: return OK;
	case WHO_SERVICE: return credentials_other(x, TICKET_SERVICE, &who->ticket, details);
	case WHO_DESK: return credentials_desk(x, CREDENTIALS_REST, who, details);
	case WHO_DESK_ENTRANT: return credentials_desk(x, CREDENTIALS_ENTRANCE, who, details);
	case WHO_PARTICIPANT: return credentials_participant(x, x->request.params[0], CREDENTIALS_REST, who, details);
	case WHO_ENTRANT: return credentials_participant(x, x->request.params[0], CREDENTIALS_ENTRANCE, who, details);
	case WHO_USER: return credentials_user(x, CREDENTIALS_REST, who, details);
	case WHO_USER_ENTRANT: return credentials_user(x, CREDENTIALS_ENTRANCE, who, details);
	case WHO_MEMBER: return credentials_member(x, x->request.params[0], CREDENTIALS_REST, who, details);
	case WHO_MANAGER: return credentials_manager(x, who, details);
	}
	return ERR_INTERNAL;
}

/* Whether the route is about one conversation, which the path names first. */
static bool of_conversation(const struct route *route)
{
	static const char stem[] = "/api/conversations/{";

	return strncmp(route->pattern, stem, sizeof stem - 1) == 0;
}

/* What is no business of those who came with the right kind of token for something else: there is no such thing for them. */
static enum err misplaced(const struct route *route, const struct credentials *who, enum err e)
{
	bool user = who->ticket.kind == TICKET_USER;
	bool for_sessions = route->who == WHO_PARTICIPANT || route->who == WHO_ENTRANT;
	bool for_users = route->who == WHO_USER || route->who == WHO_USER_ENTRANT || route->who == WHO_MANAGER;

	if (e != ERR_FORBIDDEN || !of_conversation(route))
		return e;
	if ((for_sessions && user) || (for_users && who->ticket.kind == TICKET_PARTICIPANT && *who->ticket.conversation))
		return ERR_NOT_FOUND;
	return e;
}

/* Session tickets say what they allow; what a user may do, his role in the conversation says. */
static bool allowed(const struct route *route, const struct ticket *t)
{
	return t->kind == TICKET_USER || t->kind == TICKET_SERVICE || (t->acts & route->needs) == route->needs;
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
	if (e != OK) {
		enum err said = misplaced(route, &visit->who, e);
		details = said == e ? details : NULL;
		e = said;
	}
	if (e == OK && *visit->who.ticket.login) /* nobody has logged in */
		e = ERR_UNAUTHENTICATED;
	if (e == OK && visit->who.ticket.kind >= TICKET_SERVICE && of_conversation(route))
		snprintf(visit->who.ticket.conversation, sizeof visit->who.ticket.conversation, "%s", x->request.params[0]);
	if (e == OK && !allowed(route, &visit->who.ticket)) {
		e = ERR_FORBIDDEN;
		details = "The ticket does not allow this.";
	}
	if (e == OK)
		route->handle(x);
	else
		answer_error(x, e, details, 0);
}
