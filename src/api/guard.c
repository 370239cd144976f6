/* See guard.h. */
#include <stdatomic.h>
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
	case WHO_USER:
	case WHO_USER_ENTRANT:
	case WHO_MEMBER:
	case WHO_MANAGER: break;
	}
	return ERR_INTERNAL;
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
	if (e == OK && (visit->who.ticket.acts & route->needs) != route->needs) {
		e = ERR_FORBIDDEN;
		details = "The ticket does not allow this.";
	}
	if (e == OK)
		route->handle(x);
	else
		answer_error(x, e, details, 0);
}
