/* Who is in a lasting conversation, and what becomes of them there. */
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "api/routes.h"
#include "chat/conversation_json.h"
#include "chat/membership.h"
#include "store/members.h"

enum { PAGE = 50, PAGE_MOST = 200, PERSON_JSON_MAX = 4096 };
#define SILENCE_MOST 253402300799999 /* the year 9999 */

/* People on their way to being an answer; in the exchange's arena. */
struct showing {
	struct exchange *exchange;
	int status;
	bool list, more;
	struct member *people;
	int count;
	struct online online;
};

static void answer(void *ctx)
{
	struct showing *s = ctx;
	struct buf out;

	buf_init(&out, ((size_t)s->count + 1) * PERSON_JSON_MAX);
	if (s->list)
		BUF_LIT(&out, "{\"participants\":[");
	for (int i = 0; i < s->count; i++) {
		if (i)
			buf_char(&out, ',');
		person_json(&out, &s->people[i], &s->online, false);
	}
	if (s->list && s->more)
		buf_printf(&out, "],\"next\":\"%lld-%s\"}", (long long)s->people[s->count - 1].joined_at, s->people[s->count - 1].participant);
	else if (s->list)
		BUF_LIT(&out, "],\"next\":null}");
	exchange_json(s->exchange, s->status, &out);
	buf_done(&out);
}

static void show(struct showing *s)
{
	online_init(&s->online, &s->exchange->arena);
	for (int i = 0; i < s->count; i++)
		online_add(&s->online, s->people[i].participant);
	online_look(&s->online, answer, s);
}

static void show_one(struct exchange *x, const struct member *m, int status)
{
	struct showing *s = arena_alloc(&x->arena, sizeof *s);

	*s = (struct showing){.exchange = x, .status = status, .count = 1};
	s->people = arena_alloc(&x->arena, sizeof *s->people);
	*s->people = *m;
	show(s);
}

/* ---- list ---- */

struct page {
	long limit;
	int64_t joined_at;
	const char *participant; /* the last one shown */
};

static void list(struct db *d, struct exchange *x)
{
	const struct page *p = visit_of(x)->more;
	struct showing *s = arena_alloc(&x->arena, sizeof *s);
	struct conversation c;
	enum err e = conversations_get(d, &x->arena, x->request.params[0], conversation_asker(ticket_of(x)), &c);

	*s = (struct showing){.exchange = x, .status = 200, .list = true};
	if (e == OK)
		e = conversation_may(&c, ticket_of(x), RIGHT_SEE);
	if (e == OK)
		e = members_page(d, &x->arena, c.n, p->joined_at, p->participant, (int)p->limit + 1, &s->people, &s->count);
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	s->more = s->count > p->limit;
	if (s->more)
		s->count--;
	show(s);
}

void participants_list(struct exchange *x)
{
	struct page *p = arena_alloc(&x->arena, sizeof *p);

	visit_of(x)->more = p;
	if (request_query_int(&x->request, "limit", 1, PAGE_MOST, PAGE, &p->limit) != OK)
		answer_error(x, ERR_BAD_REQUEST, "limit must be a number from 1 to 200.", 0);
	else if (!lasting_read_after(&x->request, &p->joined_at, &p->participant))
		answer_error(x, ERR_BAD_REQUEST, "after must be what `next` said.", 0);
	else
		lasting_run(x, list);
}

/* ---- in ---- */

struct wanted {
	const char *participant, *role;
	int64_t silenced_until;
	bool muted;
};

static const char *read_role(struct body *b)
{
	const char *role = body_text(b, "role", 20, false);

	if (role && !rights_role(role))
		body_wrong(b, ERR_BAD_REQUEST, "role must be customer, agent, business, member or admin.");
	return arena_strdup(b->arena, role);
}

static void add(struct db *d, struct exchange *x)
{
	const struct wanted *w = visit_of(x)->more;
	struct member m;
	int retry_after_s;
	const char *why;
	bool added;
	enum err e =
		membership_add(d, &x->arena, ticket_of(x), x->request.params[0], w->participant, w->role, &m, &added, &why, &retry_after_s);

	if (e == OK)
		show_one(x, &m, added ? 201 : 200);
	else
		answer_error(x, e, why, retry_after_s);
}

void participants_add(struct exchange *x)
{
	struct wanted *w = arena_alloc(&x->arena, sizeof *w);
	struct body b;

	body_open(&b, &x->request, true);
	w->participant = arena_strdup(&x->arena, lasting_person(&b, "participant"));
	w->role = read_role(&b);
	visit_of(x)->more = w;
	lasting_run_body(x, &b, add);
}

/* ---- changes ---- */

static void change(struct db *d, struct exchange *x)
{
	const struct wanted *w = visit_of(x)->more;
	struct member m;
	int retry_after_s;
	const char *why;
	enum err e = membership_change(
		d, &x->arena, ticket_of(x), x->request.params[0], x->request.params[1], w->role, w->silenced_until, &m, &why, &retry_after_s);

	if (e == OK)
		show_one(x, &m, 200);
	else
		answer_error(x, e, why, retry_after_s);
}

void participants_change(struct exchange *x)
{
	struct wanted *w = arena_alloc(&x->arena, sizeof *w);
	struct body b;

	body_open(&b, &x->request, true);
	w->role = read_role(&b);
	w->silenced_until = body_integer(&b, "silencedUntil", 0, SILENCE_MOST, -1);
	if (!w->role && w->silenced_until < 0)
		body_wrong(&b, ERR_BAD_REQUEST, "role or silencedUntil is needed.");
	visit_of(x)->more = w;
	lasting_run_body(x, &b, change);
}

static void remove_one(struct db *d, struct exchange *x)
{
	const char *why;
	enum err e = membership_remove(d, ticket_of(x), x->request.params[0], x->request.params[1], &why);

	if (e == OK)
		exchange_empty(x, 204);
	else
		answer_error(x, e, why, 0);
}

void participants_remove(struct exchange *x)
{
	lasting_run(x, remove_one);
}

static void mute(struct db *d, struct exchange *x)
{
	const struct wanted *w = visit_of(x)->more;

	answer_empty(x, membership_mute(d, ticket_of(x), w->muted));
}

void participants_mute(struct exchange *x)
{
	struct wanted *w = arena_alloc(&x->arena, sizeof *w);
	struct body b;

	body_open(&b, &x->request, true);
	w->muted = body_flag(&b, "muted", true);
	visit_of(x)->more = w;
	lasting_run_body(x, &b, mute);
}
