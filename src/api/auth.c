/* Making an account, logging in and out (design §6). Nobody learns here whether there is an account of some login: unknown and known ones are answered alike, after the same
 * work. Passwords and logins reach no log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/login_answer.h"
#include "api/proof.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/password.h"
#include "chat/hashing.h"
#include "chat/login.h"
#include "http/body.h"
#include "http/origin.h"
#include "store/dbpool.h"
#include "store/logins.h"
#include "store/store.h"

/* A page elsewhere must not log people in or out here. Programs send no Origin. */
static bool from_elsewhere(struct exchange *x)
{
	if (!x->request.origin || origin_trusted(&x->request, true))
		return false;
	answer_error(x, ERR_FORBIDDEN, "Only this site and the listed origins may do this.", 0);
	return true;
}

/* ---- registration ---- */

struct registration {
	struct exchange *x;
	struct proof secret; /* for its password and its wiping only */
	char id[sizeof TICKET_ACCOUNT_PREFIX + 23];
	char login[ACCOUNT_LOGIN_MAX + 1];
	const char *name;
	char hash[PASSWORD_HASH_MAX];
};

static void registration_end(struct registration *g, enum err e, const char *details, int retry_after_s)
{
	struct buf out;

	proof_wipe(&g->secret);
	if (e != OK) {
		answer_error(g->x, e, details, retry_after_s);
		return;
	}
	buf_init(&out, 64);
	BUF_LIT(&out, "{\"status\":\"accepted\"}");
	exchange_json(g->x, 202, &out);
	buf_done(&out);
}

static void make(struct db *d, void *ctx)
{
	struct registration *g = ctx;

	registration_end(g, d ? accounts_make(d, g->id, g->login, g->hash, g->name, clock_now_ms()) : ERR_STORE_UNAVAILABLE, NULL, 0);
}

static void hash(void *ctx, bool in_time)
{
	struct registration *g = ctx;
	enum err e = in_time ? password_hash(g->hash, g->secret.password, strlen(g->secret.password)) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		e = dbpool_run(make, g);
	if (e != OK)
		registration_end(g, e, NULL, 0);
}

static void may_register(void *ctx, enum err e, int retry_after_s)
{
	struct registration *g = ctx;

	if (e == OK)
		e = hashing_run(hash, g);
	if (e != OK)
		registration_end(g, e, e == ERR_RATE_LIMITED ? "Too many new accounts from here; wait a little." : NULL, retry_after_s);
}

static void registration_read(struct registration *g, struct body *b)
{
	const char *login = body_text(b, "login", 256, true), *password = body_text(b, "password", 1024, true);
	const char *name = body_line(b, "name", PERSON_NAME_MAX, true), *weak;

	if (b->error != OK)
		return;
	if (!accounts_fold(g->login, login)) {
		body_wrong(b, ERR_BAD_REQUEST, "login must be 3 to 64 letters, digits and . _ @ + -");
		return;
	}
	weak = password_weak(password, strlen(password), g->login);
	if (weak)
		body_wrong(b, ERR_BAD_REQUEST, "%s", weak);
	g->name = proof_copy(g->x, name);
	g->secret.password = proof_copy(g->x, password);
}

void auth_register(struct exchange *x)
{
	struct registration *g = arena_alloc(&x->arena, sizeof *g);
	struct throttle t;
	struct body b;
	enum err e;

	if (from_elsewhere(x))
		return;
	if (!config_number("ROOM_REGISTRATION")) {
		answer_error(x, ERR_FORBIDDEN, "Accounts are not made here.", 0);
		return;
	}
	g->x = g->secret.x = x;
	id_new(g->id, TICKET_ACCOUNT_PREFIX);
	body_open(&b, &x->request, true);
	if (b.error == OK)
		registration_read(g, &b);
	e = b.error;
	if (e != OK)
		registration_end(g, e, b.details, 0);
	body_close(&b);
	if (e != OK)
		return;
	throttle_init(&t, THROTTLE_REGISTRATION, NULL, x->request.remote_addr);
	throttle_take(store_commands(), &t, may_register, g);
}

/* ---- logging in ---- */

struct entry {
	struct proof proof; /* first: good gets it */
	char value[LOGIN_VALUE_LEN + 1], id[TICKET_LOGIN_LEN + 1];
	char old[TICKET_LOGIN_LEN + 1]; /* the login of the cookie that came along, whose place the new one takes; "" none */
	char login[ACCOUNT_LOGIN_MAX + 1];
};

static void entered(void *ctx)
{
	struct entry *n = ctx;
	struct exchange *x = n->proof.x;

	credentials_login_set(x, n->value);
	login_answer(x, n->proof.account.id, n->proof.account.name, n->id);
}

static void add(struct db *d, void *ctx)
{
	struct entry *n = ctx;
	const char **over; /* with room for one more */
	int count = 0;
	int64_t now = clock_now_ms();
	enum err e = d ? logins_add(d, &n->proof.x->arena, n->id, n->proof.account.id, now, &over, &count) : ERR_STORE_UNAVAILABLE;

	if (e == OK && *n->old) {
		e = logins_revoke(d, n->old, now);
		over[count++] = n->old;
	}
	proof_wipe(&n->proof);
	if (e != OK)
		answer_error(n->proof.x, e, NULL, 0);
	else if (count > 0)
		login_revoked(store_commands(), over, count, entered, n);
	else
		entered(n);
}

static void enter(struct proof *p)
{
	struct entry *n = (struct entry *)p;

	if (dbpool_run(add, n) != OK) {
		proof_wipe(p);
		answer_error(p->x, ERR_STORE_UNAVAILABLE, NULL, 0);
	}
}

void auth_login(struct exchange *x)
{
	struct entry *n = arena_alloc(&x->arena, sizeof *n);
	const char *login, *password, *old;
	struct body b;

	if (from_elsewhere(x))
		return;
	body_open(&b, &x->request, true);
	login = body_text(&b, "login", 256, true);
	password = body_text(&b, "password", 1024, true);
	n->proof = (struct proof){.x = x, .login = n->login, .refusal = ERR_UNAUTHENTICATED, .good = enter};
	n->proof.password = proof_copy(x, password);
	if (login && !accounts_fold(n->login, login))
		*n->login = '\0'; /* nobody's */
	if (!guard_body(x, &b))
		return;
	id_hex(n->value, LOGIN_VALUE_LEN);
	login_id(n->id, n->value, LOGIN_VALUE_LEN);
	old = credentials_login(&x->request);
	if (old && origin_trusted(&x->request, true))
		login_id(n->old, old, LOGIN_VALUE_LEN);
	proof_begin(&n->proof);
}
