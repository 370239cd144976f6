/* What a participant may do to the whole conversation: end it, erase it. */
#include "api/copy.h"
#include "api/guard.h"
#include "api/routes.h"
#include "chat/session.h"
#include "store/vault.h"

static void show_ended(struct exchange *x, enum err e, const struct session *s)
{
	struct buf out;

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	buf_init(&out, 256);
	buf_printf(&out, "{\"status\":\"%s\",\"expiresAt\":%lld}", s->status, (long long)s->expires_at);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void ended(void *exchange, enum err e, const struct session *s)
{
	if (e == OK)
		copy_then(exchange, s, show_ended);
	else
		answer_error(exchange, e, NULL, 0);
}

void closing_end(struct exchange *x)
{
	if (guard_bare_body(x))
		session_end(ticket_of(x)->conversation, ticket_of(x), ended, x);
}

static void erased(void *exchange, enum err e, const struct session *s)
{
	(void)s;
	if (e == OK)
		vault_remove_all(VAULT_MEMORY, ticket_of(exchange)->conversation);
	answer_empty(exchange, e);
}

void closing_erase(struct exchange *x)
{
	session_erase(ticket_of(x)->conversation, ticket_of(x), erased, x);
}
