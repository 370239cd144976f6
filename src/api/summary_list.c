/* See summary_list.h. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/summary_json.h"
#include "api/summary_list.h"
#include "base/clock.h"
#include "base/id.h"
#include "chat/summary.h"
#include "store/dbpool.h"

enum { PAGE = 20, PAGE_MOST = 100, PAGE_BYTES = 4 * 1024 * 1024 };

/* What was asked for. */
struct page {
	const char *of;
	summary_rows *rows;
	long limit;
	struct summary_place after;
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
		buf_printf(&out, "\"%lld-%s\"", (long long)l->rows[written - 1].created_at, l->rows[written - 1].id);
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
	const struct page *p;
	enum err e = ERR_STORE_UNAVAILABLE;

	if (!l)
		abort();
	l->exchange = exchange;
	l->page = p = visit_of(l->exchange)->more;
	arena_init(&l->arena);
	if (d)
		e = p->rows(d, &l->arena, p->of, clock_now_ms(), p->after, (int)p->limit, &l->rows, &l->count);
	l->err = (int)e;
	l->left = 1;
	for (int i = 0; e == OK && i < l->count; i++) {
		struct look *k = arena_alloc(&l->arena, sizeof *k);
		*k = (struct look){l, &l->rows[i]};
		atomic_fetch_add(&l->left, 1);
		summary_look(l->rows[i].conversation, l->rows[i].session_at, looked, k);
	}
	finished(l);
}

/* A time, or a time and an id, as `next` said it. */
static bool read_place(struct exchange *x, struct summary_place *out)
{
	const char *text;
	size_t digits;

	*out = (struct summary_place){0};
	if (request_query(&x->request, "before", &text) != OK)
		return false;
	if (!text)
		return true;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 15)
		return false;
	out->at = strtoll(text, NULL, 10);
	if (!text[digits])
		return true;
	out->id = text + digits + 1;
	return text[digits] == '-' && id_valid(out->id, strlen(out->id));
}

void summary_list(struct exchange *x, const char *of, summary_rows *rows)
{
	struct page *page = arena_alloc(&x->arena, sizeof *page);
	enum err e = ERR_BAD_REQUEST;

	*page = (struct page){.of = of, .rows = rows};
	visit_of(x)->more = page;
	if (request_query_int(&x->request, "limit", 1, PAGE_MOST, PAGE, &page->limit) == OK && read_place(x, &page->after))
		e = dbpool_run(list, x);
	if (e != OK)
		answer_error(x, e, NULL, 0);
}
