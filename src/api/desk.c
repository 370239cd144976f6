/* A counselor's desk: the list of their sessions, and tickets for what stands on it (design §6, §7). */
#include <stdio.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "chat/desk.h"
#include "chat/session.h"
#include "store/store.h"

static void listed(void *exchange, enum err e, const struct buf *json)
{
	if (e == OK)
		exchange_json(exchange, 200, json);
	else
		answer_error(exchange, e, NULL, 0);
}

void desk_show(struct exchange *x)
{
	desk_list(store_reads(), ticket_of(x)->participant, listed, x);
}

/* ---- a ticket for one of the sessions ---- */

static void may_sit(void *exchange, enum err e, const struct session *s)
{
	struct exchange *x = exchange;
	struct ticket t = *ticket_of(x);
	int64_t most = clock_now_ms() + config_number("ROOM_TICKET_S") * 1000;
	struct buf out;

	/* What is not theirs is as if it were not there, and so is what was: whose it was nobody knows any more. */
	if (e == ERR_GONE || (e == OK && strcmp(s->counselor, t.participant) != 0))
		e = ERR_NOT_FOUND;
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	t.kind = TICKET_PARTICIPANT;
	snprintf(t.conversation, sizeof t.conversation, "%s", s->id);
	snprintf(t.role, sizeof t.role, "%s", s->counselor_role);
	if (t.expires_at_ms > most) /* it must not outlive the credential it was got with */
		t.expires_at_ms = most;
	buf_init(&out, 8192);
	BUF_LIT(&out, "{\"ticket\":");
	ticket_mint_json(&out, &t);
	buf_printf(&out, ",\"role\":\"%s\",\"expiresAt\":%lld}", t.role, (long long)(t.expires_at_ms / 1000 * 1000));
	exchange_json(x, 201, &out);
	buf_done(&out);
}

void desk_session_ticket(struct exchange *x)
{
	if (guard_bare_body(x))
		session_get(x->request.params[0], may_sit, x);
}
