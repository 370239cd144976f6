/* What is kept of a case, for MainServer: its summaries, newest first; and all of it gone. */
#include "api/guard.h"
#include "api/routes.h"
#include "api/summary_list.h"
#include "store/dbpool.h"
#include "store/ledger.h"

static enum err of_case(struct db *d, struct arena *a, const char *case_ref, int64_t now, struct summary_place after, int limit,
	struct summary_row **rows, int *count)
{
	return summaries_of_case(d, a, case_ref, now, after, limit, true, rows, count);
}

void cases_summaries(struct exchange *x)
{
	summary_list(x, x->request.params[0], of_case);
}

/* ---- erasing ---- */

struct erasure {
	const char *case_ref;
	int64_t erased;
};

static enum err erase_all(struct db *d, void *ctx)
{
	struct erasure *r = ctx;
	enum err e = ledger_forget_case(d, r->case_ref);

	return e == OK ? summaries_erase_case(d, r->case_ref, &r->erased) : e;
}

/* On a thread of the pool. What was deleted is off the disk, too, before the answer says so: 503 while a reader is in the way, and the same again does it. */
static void erase(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	struct erasure r = {.case_ref = x->request.params[0]};
	enum err e = d ? db_write(d, erase_all, &r) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		e = db_scrub(d, "summaries");
	answer_empty(x, e);
}

void cases_erase(struct exchange *x)
{
	enum err e = dbpool_run(erase, x);

	if (e != OK)
		answer_error(x, e, NULL, 0);
}
