/* Logging out, here or everywhere. It works on what came along (a token, the login cookie, or both), however little of it is still good: whoever wants to leave may. */
#include <string.h>

#include "api/guard.h"
#include "api/login_answer.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "chat/login.h"
#include "http/body.h"
#include "store/dbpool.h"
#include "store/logins.h"
#include "store/store.h"

struct leaving {
	struct exchange *x;
	bool everywhere, clear;
	char own[2][TICKET_LOGIN_LEN + 1];
	const char *own_ids[2];
	int own_count;
	const char **ids; /* what was revoked */
	int count;
};

static void add_own(struct leaving *l, const char *id)
{
	if (!*id || (l->own_count == 1 && strcmp(id, l->own[0]) == 0))
		return;
	memcpy(l->own[l->own_count], id, TICKET_LOGIN_LEN + 1);
	l->own_ids[l->own_count] = l->own[l->own_count];
	l->own_count++;
}

static void left(void *ctx)
{
	struct leaving *l = ctx;

	if (l->clear)
		credentials_login_clear(l->x);
	credentials_users_clear(l->x, NULL);
	exchange_empty(l->x, 204);
}

static enum err revoke(struct db *d, void *ctx)
{
	struct leaving *l = ctx;
	int64_t now = clock_now_ms(), until;
	char person[ID_MAX + 1];
	enum err e = OK, stands = ERR_UNAUTHENTICATED;

	l->ids = l->own_ids;
	l->count = l->own_count;
	for (int i = 0; e == OK && i < l->own_count; i++) {
		if (l->everywhere && stands != OK)
			stands = logins_get(d, l->own[i], now, person, &until);
		if (stands != OK && stands != ERR_UNAUTHENTICATED)
			return stands;
		e = logins_revoke(d, l->own[i], now);
	}
	if (e != OK || !l->everywhere)
		return e;
	if (stands != OK) /* whoever is out decides about no others */
		return stands;
	e = logins_revoke_all(d, &l->x->arena, person, "", now, &l->ids, &l->count);
	for (int i = 0; i < l->own_count; i++) /* there is room: logins_revoke_all */
		l->ids[l->count++] = l->own[i];
	return e;
}

static void leave(struct db *d, void *ctx)
{
	struct leaving *l = ctx;
	enum err e = d ? db_write(d, revoke, l) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		login_revoked(store_commands(), l->ids, l->count, left, l);
	else
		answer_error(l->x, e, NULL, 0);
}

/* Whose logins are meant. OK with none: MainServer's user, or cookies that name no login. */
static enum err find_own(struct leaving *l, const char **details)
{
	const struct request *r = &l->x->request;
	const char *value = credentials_login(r);
	struct credentials who;
	char id[TICKET_LOGIN_LEN + 1];
	enum err e;

	if (r->authorization) {
		e = credentials_user(l->x, NULL, CREDENTIALS_ENTRANCE, &who, details);
		if (e != OK)
			return e;
		credentials_feed_clear(l->x, &who.ticket);
		add_own(l, who.ticket.login);
		if (!*who.ticket.login) /* a bearer from MainServer says nothing about a cookie beside it */
			return OK;
	} else {
		if (!r->cookie)
			return ERR_UNAUTHENTICATED;
		e = credentials_against_forgery(r, details);
		if (e != OK)
			return e;
	}
	l->clear = true;
	if (value) {
		login_id(id, value, LOGIN_VALUE_LEN);
		add_own(l, id);
	}
	return OK;
}

void auth_logout(struct exchange *x)
{
	struct leaving *l = arena_alloc(&x->arena, sizeof *l);
	const char *details = NULL;
	struct body b;
	enum err e;

	l->x = x;
	e = find_own(l, &details);
	if (e != OK) {
		answer_error(x, e, details, 0);
		return;
	}
	body_open(&b, &x->request, false);
	l->everywhere = body_flag(&b, "everywhere", false);
	if (!guard_body(x, &b))
		return;
	if (l->own_count == 0)
		left(l);
	else if (dbpool_run(leave, l) != OK)
		answer_error(x, ERR_STORE_UNAVAILABLE, NULL, 0);
}

/* ---- what a login is answered with ---- */

void login_answer(struct exchange *x, const char *person, const char *name, const char *login)
{
	struct ticket t = {.kind = TICKET_USER, .side = "user"};
	struct buf out;
	char as[9];

	t.expires_at_ms = (clock_now_ms() / 1000 + config_number("ROOM_TICKET_S")) * 1000;
	memcpy(t.participant, person, strlen(person) + 1);
	memcpy(t.login, login, TICKET_LOGIN_LEN + 1);
	buf_init(&out, 8192);
	BUF_LIT(&out, "{\"token\":");
	ticket_mint_json(&out, &t);
	ticket_short_hash(as, &t);
	buf_printf(&out, ",\"expiresAt\":%lld,\"as\":\"%s\",\"user\":{\"id\":\"%s\",\"name\":", (long long)t.expires_at_ms, as, person);
	buf_json(&out, name, strlen(name));
	BUF_LIT(&out, "}}");
	exchange_json(x, 200, &out);
	buf_done(&out);
}
