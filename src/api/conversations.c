/* Lasting conversations: list, make, look at, change, erase. The store is asked on threads of the pool; then Redis who is online; then comes the answer. */
#include <string.h>

#include "api/conversations_body.h"
#include "api/guard.h"
#include "api/lasting.h"
#include "api/routes.h"
#include "chat/conversation_json.h"

/* What is on its way to being an answer; in the exchange's arena. */
struct showing {
	struct exchange *exchange;
	int status;
	bool list;
	struct conversation_view *views;
	int count;
	struct conversations_place next;
	struct online online;
};

static void answer(void *ctx)
{
	struct showing *s = ctx;
	bool as_service = ticket_of(s->exchange)->kind == TICKET_SERVICE;
	struct buf out;

	buf_init(&out, ((size_t)s->count + 1) * CONVERSATION_JSON_MAX);
	if (s->list)
		BUF_LIT(&out, "{\"conversations\":[");
	for (int i = 0; i < s->count; i++) {
		if (i)
			buf_char(&out, ',');
		conversation_json(&out, &s->views[i], &s->online, as_service);
	}
	if (s->list) {
		BUF_LIT(&out, "],\"next\":");
		conversations_place_print(&out, &s->next);
		buf_char(&out, '}');
	}
	exchange_json(s->exchange, s->status, &out);
	buf_done(&out);
}

/* The rows are there: who of their people is online? */
static void show(struct showing *s)
{
	online_init(&s->online, &s->exchange->arena);
	for (int i = 0; i < s->count; i++)
		for (int k = 0; k < s->views[i].shown_count; k++)
			online_add(&s->online, s->views[i].shown[k].participant);
	online_look(&s->online, answer, s);
}

static void show_one(struct db *d, struct exchange *x, const char *id, int status)
{
	struct showing *s = arena_alloc(&x->arena, sizeof *s);
	enum err e;

	*s = (struct showing){.exchange = x, .status = status, .count = 1};
	s->views = arena_alloc(&x->arena, sizeof *s->views);
	e = conversations_view(d, &x->arena, id, conversation_asker(ticket_of(x)), s->views);
	if (e == OK)
		show(s);
	else
		answer_error(x, e, NULL, 0);
}

/* ---- list ---- */

static void list(struct db *d, struct exchange *x)
{
	struct showing *s = arena_alloc(&x->arena, sizeof *s);
	enum err e;

	*s = (struct showing){.exchange = x, .status = 200, .list = true};
	e = conversations_list(d, &x->arena, visit_of(x)->more, &s->views, &s->count, &s->next);
	if (e == OK)
		show(s);
	else
		answer_error(x, e, NULL, 0);
}

void conversations_list_all(struct exchange *x)
{
	struct conversations_query *q = arena_alloc(&x->arena, sizeof *q);
	const char *why;
	enum err e = conversations_read_query(&x->request, ticket_of(x), q, &why);

	visit_of(x)->more = q;
	if (e == OK)
		lasting_run(x, list);
	else
		answer_error(x, e, why, 0);
}

/* ---- make ---- */

struct wanted {
	struct conversation_make make;
	const char *client_id;
};

static void make(struct db *d, struct exchange *x)
{
	struct wanted *w = visit_of(x)->more;
	struct quota_wait wait;
	const char *id;
	bool made;
	enum err e = conversation_create(d, &x->arena, ticket_of(x), &w->make, w->client_id, &id, &made, &wait);

	if (e == OK)
		show_one(d, x, id, made ? 201 : 200);
	else
		answer_error(x, e, e == ERR_CLIENT_ID_REUSED ? "This clientId was used for another conversation." : wait.why, wait.retry_after_s);
}

void conversations_create(struct exchange *x)
{
	struct wanted *w = arena_alloc(&x->arena, sizeof *w);
	struct body b;

	body_open(&b, &x->request, true);
	conversations_read_new(&b, ticket_of(x), &w->make, &w->client_id);
	w->client_id = arena_strdup(&x->arena, w->client_id);
	w->make.title = arena_strdup(&x->arena, w->make.title);
	visit_of(x)->more = w;
	lasting_run_body(x, &b, make);
}

/* ---- one ---- */

static void look(struct db *d, struct exchange *x)
{
	show_one(d, x, x->request.params[0], 200);
}

void conversations_show(struct exchange *x)
{
	lasting_run(x, look);
}

static void change(struct db *d, struct exchange *x)
{
	int retry_after_s;
	enum err e = conversation_change(d, ticket_of(x), x->request.params[0], visit_of(x)->more, &retry_after_s);

	if (e == OK)
		show_one(d, x, x->request.params[0], 200);
	else
		answer_error(x, e, NULL, retry_after_s);
}

void conversations_change(struct exchange *x)
{
	struct conversation_change *to = arena_alloc(&x->arena, sizeof *to);
	struct body b;

	body_open(&b, &x->request, true);
	conversations_read_change(&b, to);
	to->title = arena_strdup(&x->arena, to->title);
	visit_of(x)->more = to;
	lasting_run_body(x, &b, change);
}

static void erase(struct db *d, struct exchange *x)
{
	answer_empty(x, conversation_erase(d, ticket_of(x), x->request.params[0]));
}

/* A session's participant erases the session. */
void conversations_erase_any(struct exchange *x)
{
	if (ticket_of(x)->kind == TICKET_PARTICIPANT)
		closing_erase(x);
	else if (!lasting_service_refused(x))
		lasting_run(x, erase);
}
