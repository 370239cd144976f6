/* What is kept of a case, for MainServer: its summaries, newest first; and all of it gone. */
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "api/summary_json.h"
#include "base/clock.h"
#include "store/dbpool.h"
#include "store/ledger.h"

enum { PAGE = 20, PAGE_MOST = 100, PAGE_BYTES = 4 * 1024 * 1024 };

struct page {
	long limit, before;
};

/* Documents are a few KB; those that would not fit into an answer are left to the next page. Returns how many were written. */
static int write_rows(struct buf *out, const struct summary_row *rows, int count)
{
	int n = 0;

	BUF_LIT(out, "{\"summaries\":[");
	for (; n < count && (n == 0 || out->len + rows[n].document_len < PAGE_BYTES); n++) {
		if (n > 0)
			buf_char(out, ',');
		summary_json(out, &rows[n], true);
	}
	return n;
}

/* On a thread of the pool. */
static void list(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	const struct page *page = visit_of(x)->more;
	struct summary_row *rows = NULL;
	int count = 0, written;
	struct arena a;
	struct buf out;
	enum err e = ERR_STORE_UNAVAILABLE;

	arena_init(&a);
	if (d)
		e = summaries_of_case(d, &a, x->request.params[0], clock_now_ms(), page->before, (int)page->limit, true, &rows, &count);
	if (e != OK) {
		answer_error(x, e, NULL, 0);
	} else {
		buf_init(&out, PAGE_BYTES + SUMMARY_JSON_MAX);
		written = write_rows(&out, rows, count);
		BUF_LIT(&out, "],\"next\":");
		if (written > 0 && (written < count || count == page->limit))
			buf_int(&out, rows[written - 1].created_at);
		else
			BUF_LIT(&out, "null");
		buf_char(&out, '}');
		exchange_json(x, 200, &out);
		if (out.data)
			explicit_bzero(out.data, out.len);
		buf_done(&out);
	}
	arena_done(&a);
}

static void run(struct exchange *x, void (*fn)(struct db *d, void *exchange))
{
	enum err e = dbpool_run(fn, x);

	if (e != OK)
		answer_error(x, e, NULL, 0);
}

void cases_summaries(struct exchange *x)
{
	struct page *page = arena_alloc(&x->arena, sizeof *page);

	if (request_query_int(&x->request, "limit", 1, PAGE_MOST, PAGE, &page->limit) != OK ||
		request_query_int(&x->request, "before", 0, INT64_C(1) << 53, 0, &page->before) != OK) {
		answer_error(x, ERR_BAD_REQUEST, NULL, 0);
		return;
	}
	visit_of(x)->more = page;
	run(x, list);
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
	run(x, erase);
}
