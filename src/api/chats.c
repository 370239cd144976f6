/* Direct messages by user: /chats/{userId}/…, {userId} being the caller. The conversation is the same that /api/conversations shows. */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "api/messages.h"
#include "api/routes.h"
#include "chat/direct.h"
#include "chat/message.h"
#include "chat/online.h"

/* One's own name must stand in the path: what is others' is as if it were not there. */
static bool own(struct exchange *x)
{
	if (strcmp(x->request.params[0], ticket_of(x)->participant) == 0)
		return true;
	answer_error(x, ERR_NOT_FOUND, NULL, 0);
	return false;
}

static void enter(struct exchange *x, const char *conversation)
{
	struct ticket *t = &visit_of(x)->who.ticket;

	snprintf(t->conversation, sizeof t->conversation, "%s", conversation);
}

/* ---- send ---- */

struct sending {
	struct exchange *exchange;
	const char *receiver, *client_id, *content;
	size_t content_len;
	int status;
	bool again;
	struct buf message;
};

static void send(struct db *d, struct exchange *x);

static void answer(void *ctx, bool here)
{
	struct sending *s = ctx;
	struct buf out = s->message; /* s goes with the exchange */

	if (buf_ok(&out) && out.len > 0)
		out.len--; /* the closing brace */
	buf_str(&out, here ? ",\"delivered\":true}" : ",\"delivered\":false}");
	exchange_json(s->exchange, s->status, &out);
	buf_done(&out);
}

/* Stored and told. Is anybody there to hear it? */
static void sent(void *ctx, enum err e, const struct message_sent *m)
{
	struct sending *s = ctx;
	struct buf message;

	if (e == ERR_NOT_FOUND && !s->again) { /* the other one erased it in this instant: the message begins a new one */
		s->again = true;
		lasting_run(s->exchange, send);
		return;
	}
	if (e != OK) {
		answer_error(s->exchange, e, m->details, m->retry_after_s);
		return;
	}
	s->status = m->repeated ? 200 : 201;
	buf_init(&message, m->json_len + 64);
	buf_add(&message, m->json, m->json_len);
	s->message = message;
	online_connected(s->receiver, ticket_of(s->exchange)->conversation, answer, s);
}

static void send(struct db *d, struct exchange *x)
{
	struct sending *s = visit_of(x)->more;
	struct message_new n = {
		.by = ticket_of(x), .content = s->content, .content_len = s->content_len, .type = "text", .client_id = s->client_id};
	struct quota_wait wait;
	const char *id;
	enum err e = direct_open(d, &x->arena, ticket_of(x), s->receiver, &id, &wait);

	if (e != OK) {
		answer_error(x, e, e == ERR_BAD_REQUEST ? "receiverId must be somebody else." : wait.why, wait.retry_after_s);
		return;
	}
	enter(x, id);
	message_send(&n, sent, s);
}

void chats_send(struct exchange *x)
{
	struct sending *s = arena_alloc(&x->arena, sizeof *s);
	const char *content;
	struct body b;

	if (!own(x))
		return;
	s->exchange = x;
	visit_of(x)->more = s;
	body_open(&b, &x->request, true);
	s->receiver = arena_strdup(&x->arena, lasting_person(&b, "receiverId"));
	s->client_id = arena_strdup(&x->arena, body_id(&b, "clientId", false));
	content = body_content(&b, "message", CONTENT_MAX_BYTES, &s->content_len);
	s->content = content ? arena_strndup(&x->arena, content, s->content_len) : "";
	lasting_run_body(x, &b, send);
}

/* ---- read ---- */

static void paged(void *exchange, enum err e, const struct message_sent *m)
{
	struct exchange *x = exchange;
	struct buf out;

	if (e != OK) {
		answer_error(x, e, m->details, 0);
		return;
	}
	buf_init(&out, m->json_len + 200);
	buf_printf(&out, "{\"conversationId\":\"%s\",", ticket_of(x)->conversation);
	buf_add(&out, m->json + 1, m->json_len - 1);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void nothing_yet(struct exchange *x)
{
	struct buf out;

	buf_init(&out, 200);
	BUF_LIT(&out, "{\"conversationId\":null,\"messages\":[],\"next\":null,\"previous\":null,\"cursor\":null}");
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void with(struct db *d, struct exchange *x)
{
	const struct messages_page *p = visit_of(x)->more;
	const char *id;
	enum err e = direct_find(d, &x->arena, ticket_of(x), x->request.params[1], &id);

	if (e == ERR_NOT_FOUND) {
		nothing_yet(x);
	} else if (e != OK) {
		answer_error(x, e, NULL, 0);
	} else {
		enter(x, id);
		message_history(ticket_of(x), p->after, p->before, p->limit, NULL, paged, x);
	}
}

void chats_with(struct exchange *x)
{
	struct messages_page *p = arena_alloc(&x->arena, sizeof *p);

	visit_of(x)->more = p;
	if (own(x) && messages_read_page(x, p))
		lasting_run(x, with);
}
