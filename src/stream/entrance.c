/* Who a reader is, before it subscribes: its stream ticket is redeemed; of what lasts, its login is looked up, and only then it has a place. See own.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/login.h"
#include "chat/stream_ticket.h"
#include "stream/own.h"

/* What is looked up may be answered on a thread of the database pool. */
struct entering {
	struct work work;
	struct reader *reader;
	struct credentials who;
	const char *details;
};

static void refuse(struct reader *r, enum err e, const char *details)
{
	if (details == NULL || e == ERR_STORE_UNAVAILABLE) {
		answer_refuse(r, e);
		return;
	}
	exchange_error(r->x, e, details, 0);
	r->x = NULL;
	r->fd = -1;
	r->state = READER_ENDING;
	reader_dirty(r);
}

static void arrive(struct reader *r, const struct credentials *who)
{
	reader_identify(r, &who->ticket);
	own_login(r->own, who->ticket.login);
	if (r->arrival->conversation[0] == '@')
		snprintf(r->arrival->conversation, sizeof r->arrival->conversation, "@%s", r->who);
	if (who->ticket.expires_at_ms <= clock_now_ms()) {
		answer_refuse(r, ERR_TICKET_EXPIRED);
		return;
	}
	place_join(place_get(r->hub, r->arrival->conversation), r);
	reader_subscribe(r);
}

/* ---- logins ---- */

static void looked_up(struct work *w)
{
	struct entering *n = (struct entering *)w;
	struct reader *r = n->reader;

	r->calling = false;
	if (r->fd < 0)
		reader_dirty(r);
	else if (r->hub->stopping)
		answer_retry(r);
	else if (w->err != OK)
		refuse(r, w->err, n->details);
	else
		arrive(r, &n->who);
	free(n);
}

static void settled(void *ctx, enum err e, const char *details)
{
	struct entering *n = ctx;

	n->work.err = e;
	n->work.done = looked_up;
	n->details = details;
	hub_post(n->reader->hub, &n->work);
}

static void look_up(struct reader *r)
{
	const struct credentials *who = r->arrival->who;

	if (!credentials_unsettled(who)) {
		arrive(r, who);
		return;
	}
	struct entering *n = calloc(1, sizeof *n);
	if (n == NULL)
		abort();
	n->reader = r;
	n->who = *who;
	r->calling = true;
	credentials_settle(r->hub->commands, &n->who, settled, n);
}

/* ---- stream tickets ---- */

static void go_on(struct reader *r)
{
	if (r->at_desk)
		desk_begin(r);
	else if (r->own != NULL)
		look_up(r);
	else
		reader_subscribe(r);
}

/* Whether a user's is for the place it is shown at. */
static bool is_for(const struct arrival *a, const struct ticket *t)
{
	return strcmp(a->conversation + 1, t->conversation) == 0 && (a->conversation[0] == '=') == (t->conversation[0] != '\0');
}

static enum err judge(const struct reader *r, const struct ticket *t)
{
	if (r->own != NULL && !is_for(r->arrival, t))
		return ERR_UNAUTHENTICATED;
	if (r->known && r->who[0] != '\0' && strcmp(t->participant, r->who) != 0)
		return ERR_BAD_REQUEST;
	return t->expires_at_ms > clock_now_ms() ? OK : ERR_TICKET_EXPIRED;
}

/* EventSource reconnects with this same, now spent, URL: from here on the cookie speaks. */
static void take(struct reader *r, const struct ticket *t)
{
	if (r->own != NULL) {
		credentials_stream_cookie(r->x, t);
		r->arrival->who->ticket = *t;
		r->arrival->who->known = true;
		return;
	}
	char *jwt = ticket_mint(t);
	reader_identify(r, t);
	if (jwt != NULL)
		credentials_cookie_set(r->x, t, jwt, strlen(jwt));
	free(jwt);
}

static void redeemed(void *ctx, enum err e, const struct ticket *t)
{
	struct reader *r = ctx;

	r->calling = false;
	if (r->fd < 0) {
		reader_dirty(r);
		return;
	}
	if (e == OK)
		e = judge(r, t);
	if (e == OK) {
		take(r, t);
	} else if (!(e == ERR_UNAUTHENTICATED && r->known)) {
		answer_refuse(r, e);
		return;
	}
	go_on(r);
}

void reader_enter(struct reader *r)
{
	enum ticket_kind kind = r->at_desk ? TICKET_DESK : r->own != NULL ? TICKET_USER : TICKET_PARTICIPANT;

	r->state = READER_REDEEMING;
	if (r->arrival->stream_ticket == NULL) {
		go_on(r);
		return;
	}
	r->calling = true;
	stream_ticket_take(
		r->hub->commands, kind, kind == TICKET_PARTICIPANT ? r->place->conversation : NULL, r->arrival->stream_ticket, redeemed, r);
}
