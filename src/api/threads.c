/* Threads of a lasting conversation: begin, list, read, send into. */
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "api/messages.h"
#include "api/routes.h"
#include "chat/message.h"
#include "chat/thread.h"

enum { PAGE = 50, PAGE_MOST = 200, THREAD_JSON_MAX = 4096 };
#define ID_MOST (INT64_C(1) << 53) /* JavaScript's last whole number */

/* ---- begin ---- */

static void begin(struct db *d, struct exchange *x)
{
	struct thread t;
	struct buf out;
	const char *why;
	int retry_after_s;
	enum err e = thread_begin(d, &x->arena, ticket_of(x), visit_of(x)->more, &t, &retry_after_s, &why);

	if (e != OK) {
		answer_error(x, e, why, retry_after_s);
		return;
	}
	buf_init(&out, THREAD_JSON_MAX);
	buf_char(&out, '{');
	thread_members(&out, &t);
	buf_char(&out, '}');
	exchange_json(x, 201, &out);
	buf_done(&out);
}

void threads_begin(struct exchange *x)
{
	struct thread_new *n = arena_alloc(&x->arena, sizeof *n);
	const char *title;
	struct body b;

	body_open(&b, &x->request, false);
	title = body_line(&b, "title", THREAD_TITLE_MAX, false);
	n->title = title ? arena_strdup(&x->arena, title) : "";
	n->parent = arena_strdup(&x->arena, body_id(&b, "parent", false));
	n->root = body_integer(&b, "root", 1, ID_MOST, 0);
	visit_of(x)->more = n;
	lasting_run_body(x, &b, begin);
}

/* ---- list ---- */

struct page {
	long limit;
	const char *parent;
	int64_t after_at;
	const char *after_id;
};

static void write_page(struct buf *out, const struct thread *threads, int count, bool more)
{
	BUF_LIT(out, "{\"threads\":[");
	for (int i = 0; i < count; i++) {
		buf_str(out, i ? ",{" : "{");
		thread_members(out, &threads[i]);
		buf_char(out, '}');
	}
	if (more)
		buf_printf(out, "],\"next\":\"%lld-%s\"}", (long long)threads[count - 1].last_at, threads[count - 1].id);
	else
		BUF_LIT(out, "],\"next\":null}");
}

static void list(struct db *d, struct exchange *x)
{
	const struct page *p = visit_of(x)->more;
	struct thread *threads;
	struct buf out;
	int count;
	bool more;
	enum err e = thread_list(d, &x->arena, ticket_of(x), p->parent, p->after_at, p->after_id, (int)p->limit + 1, &threads, &count);

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	more = count > p->limit;
	buf_init(&out, (size_t)(count + 1) * THREAD_JSON_MAX);
	write_page(&out, threads, more ? count - 1 : count, more);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

void threads_list_all(struct exchange *x)
{
	struct page *p = arena_alloc(&x->arena, sizeof *p);
	const struct request *r = &x->request;

	visit_of(x)->more = p;
	if (request_query_int(r, "limit", 1, PAGE_MOST, PAGE, &p->limit) != OK)
		answer_error(x, ERR_BAD_REQUEST, "limit must be a number from 1 to 200.", 0);
	else if (request_query(r, "parent", &p->parent) != OK || (p->parent && *p->parent && !id_valid(p->parent, strlen(p->parent))))
		answer_error(x, ERR_BAD_REQUEST, "parent must be a thread's id, or empty: under no other.", 0);
	else if (!lasting_read_after(r, &p->after_at, &p->after_id))
		answer_error(x, ERR_BAD_REQUEST, "after must be what `next` said.", 0);
	else
		lasting_run(x, list);
}

/* ---- one ---- */

struct showing {
	struct messages_page page;
	struct thread thread;
};

/* {"messages":…} becomes {"thread":…,"messages":…}. */
static void paged(void *exchange, enum err e, const struct message_sent *m)
{
	struct exchange *x = exchange;
	const struct showing *s = visit_of(x)->more;
	struct buf out;

	if (e != OK) {
		answer_error(x, e, m->details, 0);
		return;
	}
	buf_init(&out, m->json_len + THREAD_JSON_MAX);
	BUF_LIT(&out, "{\"thread\":{");
	thread_members(&out, &s->thread);
	BUF_LIT(&out, "},");
	buf_add(&out, m->json + 1, m->json_len - 1);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void show(struct db *d, struct exchange *x)
{
	struct showing *s = visit_of(x)->more;
	enum err e = thread_get(d, &x->arena, ticket_of(x), x->request.params[1], &s->thread);

	if (e == OK)
		message_history(ticket_of(x), s->page.after, s->page.before, s->page.limit, s->thread.id, paged, x);
	else
		answer_error(x, e, NULL, 0);
}

void threads_show(struct exchange *x)
{
	struct showing *s = arena_alloc(&x->arena, sizeof *s);

	visit_of(x)->more = s;
	if (messages_read_page(x, &s->page))
		lasting_run(x, show);
}

/* There is such a thread: whoever may send may send into it. */
static void send(struct db *d, struct exchange *x)
{
	struct thread t;
	enum err e = thread_get(d, &x->arena, ticket_of(x), x->request.params[1], &t);

	if (e == OK)
		messages_send_into(x, x->request.params[1]);
	else
		answer_error(x, e, NULL, 0);
}

void threads_send(struct exchange *x)
{
	lasting_run(x, send);
}
