/* What is kept of a case, for MainServer: its summaries, newest first; and all of it gone. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "api/summary_json.h"
#include "base/clock.h"
#include "chat/summary.h"
#include "store/dbpool.h"
#include "store/ledger.h"

enum { PAGE = 20, PAGE_MOST = 100, PAGE_BYTES = 4 * 1024 * 1024 };

struct page {
	long limit;
	int64_t before;
};

/* A page on its way: read from SQL, then each row's session is looked at, since an erased one's may still be there until the bookkeeping. */
struct listing {
	struct exchange *exchange;
	const struct page *page;
	struct arena arena;
	struct summary_row *rows;
	int count;
	atomic_int left; /* looks that are under way, and who makes them */
	atomic_int err;
};

struct look {
	struct listing *listing;
	struct summary_row *row;
};

/* Documents are a few KB; those that would not fit into an answer are left to the next page. Returns how many were looked at. */
static int write_rows(struct buf *out, const struct summary_row *rows, int count)
{
	const char *comma = "";
	int n = 0;

	BUF_LIT(out, "{\"summaries\":[");
	for (; n < count && (n == 0 || out->len + rows[n].document_len < PAGE_BYTES); n++) {
		if (!rows[n].conversation) /* erased */
			continue;
		buf_str(out, comma);
		comma = ",";
		summary_json(out, &rows[n], true);
	}
	return n;
}

static void answer_page(struct listing *l)
{
	struct buf out;
	int written;

	buf_init(&out, PAGE_BYTES + SUMMARY_JSON_MAX);
	written = write_rows(&out, l->rows, l->count);
	BUF_LIT(&out, "],\"next\":");
	if (written > 0 && (written < l->count || l->count == l->page->limit))
		buf_int(&out, l->rows[written - 1].created_at);
	else
		BUF_LIT(&out, "null");
	buf_char(&out, '}');
	exchange_json(l->exchange, 200, &out);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_done(&out);
}

/* One part less to wait for; the last one answers. */
static void finished(struct listing *l)
{
	if (atomic_fetch_sub(&l->left, 1) > 1)
		return;
	if (l->err == OK)
		answer_page(l);
	else
		answer_error(l->exchange, (enum err)l->err, NULL, 0);
	arena_done(&l->arena);
	free(l);
}

static void looked(void *look, enum err e)
{
	struct look *k = look;

	if (e == ERR_GONE)
		k->row->conversation = NULL;
	else if (e != OK)
		k->listing->err = (int)e;
	finished(k->listing);
}

/* On a thread of the pool. */
static void list(struct db *d, void *exchange)
{
	struct listing *l = calloc(1, sizeof *l);
	const char *case_ref;
	enum err e = ERR_STORE_UNAVAILABLE;

	if (!l)
		abort();
	l->exchange = exchange;
	l->page = visit_of(l->exchange)->more;
	case_ref = l->exchange->request.params[0];
	arena_init(&l->arena);
	if (d)
		e = summaries_of_case(d, &l->arena, case_ref, clock_now_ms(), l->page->before, (int)l->page->limit, true, &l->rows, &l->count);
	l->err = (int)e;
	l->left = 1;
	for (int i = 0; e == OK && i < l->count; i++) {
		struct look *k = arena_alloc(&l->arena, sizeof *k);
		*k = (struct look){l, &l->rows[i]};
		atomic_fetch_add(&l->left, 1);
		summary_look(l->rows[i].conversation, looked, k);
	}
	finished(l);
}

static void run(struct exchange *x, void (*fn)(struct db *d, void *exchange))
{
	enum err e = dbpool_run(fn, x);

	if (e != OK)
		answer_error(x, e, NULL, 0);
}

/* A time, as `next` said it. */
static bool read_before(struct exchange *x, int64_t *out)
{
	const char *text;

	*out = 0;
	if (request_query(&x->request, "before", &text) != OK)
		return false;
	if (!text)
		return true;
	if (!*text || strlen(text) > 15 || text[strspn(text, "0123456789")])
		return false;
	*out = strtoll(text, NULL, 10);
	return true;
}

void cases_summaries(struct exchange *x)
{
	struct page *page = arena_alloc(&x->arena, sizeof *page);

	if (request_query_int(&x->request, "limit", 1, PAGE_MOST, PAGE, &page->limit) != OK || !read_before(x, &page->before)) {
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
