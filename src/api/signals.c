/* What passes in a conversation: typing, read and delivered marks, proof of life, who is here. */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "chat/signal.h"
#include "http/body.h"

#define CURSOR_MAX_BYTES 64

void signals_typing(struct exchange *x)
{
	struct body b;
	bool is_typing;

	body_open(&b, &x->request, true);
	is_typing = body_flag(&b, "isTyping", true);
	if (guard_body(x, &b))
		signal_typing(ticket_of(x), is_typing, answer_empty, x);
}

void signals_read(struct exchange *x)
{
	const json_t *member;
	const char *up_to;
	char number[24];
	struct body b;

	body_open(&b, &x->request, true);
	member = body_member(&b, "upTo");
	if (json_is_integer(member) && json_integer_value(member) > 0) {
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(member));
		up_to = number;
	} else {
		up_to = body_text(&b, "upTo", CURSOR_MAX_BYTES, true);
		/* a bare number stands for a message only as a number: as a text it is a broken cursor */
		if (up_to && !strchr(up_to, '-'))
			body_wrong(&b, ERR_BAD_REQUEST, "upTo must be a message's id, or a cursor.");
	}
	if (b.error == OK)
		signal_read(ticket_of(x), up_to, answer_empty, x);
	else
		answer_error(x, b.error, b.details, 0);
	body_close(&b);
}

void signals_alive(struct exchange *x)
{
	const char *cursor;
	struct body b;

	body_open(&b, &x->request, false);
	cursor = body_text(&b, "cursor", CURSOR_MAX_BYTES, false);
	if (b.error == OK)
		signal_alive(ticket_of(x), cursor, answer_empty, x);
	else
		answer_error(x, b.error, b.details, 0);
	body_close(&b);
}

static void seen(void *exchange, enum err e, const struct presence *p)
{
	struct buf out;
	const char *comma = "";

	if (e != OK) {
		answer_error(exchange, e, NULL, 0);
		return;
	}
	/* ids and roles follow the grammar of ids: nothing to escape */
	buf_init(&out, 128 * 1024);
	BUF_LIT(&out, "{\"online\":[");
	for (int i = 0; i < p->count; i++) {
		if (!p->who[i].online)
			continue;
		buf_printf(&out, "%s{\"participant\":\"%s\",\"role\":\"%s\"}", comma, p->who[i].id, p->who[i].role);
		comma = ",";
	}
	BUF_LIT(&out, "],\"participants\":[");
	for (int i = 0; i < p->count; i++)
		buf_printf(&out, "%s{\"participant\":\"%s\",\"role\":\"%s\",\"online\":%s}", i ? "," : "", p->who[i].id, p->who[i].role,
			p->who[i].online ? "true" : "false");
	BUF_LIT(&out, "]}");
	exchange_json(exchange, 200, &out);
	buf_done(&out);
}

void signals_presence(struct exchange *x)
{
	signal_presence(ticket_of(x), seen, x);
}
