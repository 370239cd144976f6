/* The summaries that a counselor may read: those he asked for last. They outlive their sessions, so a desk's ticket is enough for them. */
#include <stdlib.h>

#include "api/guard.h"
#include "api/routes.h"
#include "api/summary_json.h"
#include "api/summary_list.h"
#include "base/clock.h"
#include "chat/summary.h"
#include "store/dbpool.h"

void desk_summaries(struct exchange *x)
{
	summary_list(x, ticket_of(x)->participant, summaries_of_counselor);
}

/* One on its way: read, and given out when its session was not erased meanwhile. */
struct reading {
	struct exchange *exchange;
	struct arena arena;
	struct summary_row row;
};

static void looked(void *reading, enum err e)
{
	struct reading *r = reading;

	if (e == OK)
		summary_answer(r->exchange, &r->row, true);
	else
		answer_error(r->exchange, e, NULL, 0);
	arena_done(&r->arena);
	free(r);
}

/* On a thread of the pool. */
static void read_row(struct db *d, void *exchange)
{
	struct reading *r = calloc(1, sizeof *r);
	struct exchange *x = exchange;
	const char *conversation = x->request.params[0];
	enum err e = ERR_STORE_UNAVAILABLE;

	if (!r)
		abort();
	r->exchange = x;
	arena_init(&r->arena);
	if (d)
		e = summaries_get(d, &r->arena, conversation, ticket_of(x)->participant, clock_now_ms(), &r->row);
	if (e == OK || summaries_locked(e, &r->row))
		summary_look(conversation, r->row.session_at, looked, r);
	else
		looked(r, e);
}

void desk_summary(struct exchange *x)
{
	enum err e = dbpool_run(read_row, x);

	if (e != OK)
		answer_error(x, e, NULL, 0);
}
