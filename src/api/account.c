/* What somebody who is logged in may do about it: who am I, a fresh token, another name or password, logging out, deleting the account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/lasting.h"
#include "api/login_answer.h"
#include "api/proof.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/password.h"
#include "chat/hashing.h"
#include "chat/login.h"
#include "chat/membership.h"
#include "http/body.h"
#include "store/dbpool.h"
#include "store/logins.h"
#include "store/people.h"
#include "store/store.h"

static const char not_ours[] = "Whom MainServer knows has no account here.";

static bool has_account(struct exchange *x)
{
	if (*ticket_of(x)->login)
		return true;
	answer_error(x, ERR_FORBIDDEN, not_ours, 0);
	return false;
}

/* A login by cookie, being used, lasts longer: the browser keeps it for as long as we do. */
static void keep_cookie(struct exchange *x)
{
	const char *value = credentials_login(&x->request);
	char id[TICKET_LOGIN_LEN + 1];

	if (!value || !visit_of(x)->who.by_cookie)
		return;
	login_id(id, value, LOGIN_VALUE_LEN);
	if (strcmp(id, ticket_of(x)->login) == 0)
		credentials_login_set(x, arena_strndup(&x->arena, value, LOGIN_VALUE_LEN));
}

/* ---- who am I ---- */

static void show(struct exchange *x, const struct account *account, const char *name)
{
	const struct ticket *t = ticket_of(x);
	struct buf out;

	buf_init(&out, 2048);
	buf_printf(&out, "{\"user\":{\"id\":\"%s\",\"name\":", t->participant);
	buf_json(&out, name, strlen(name));
	BUF_LIT(&out, "}");
	if (account) {
		BUF_LIT(&out, ",\"login\":");
		buf_json(&out, account->login, strlen(account->login));
		buf_printf(&out, ",\"createdAt\":%lld", (long long)account->created_at);
	}
	buf_printf(&out, ",\"expiresAt\":%lld}", (long long)t->expires_at_ms);
	keep_cookie(x);
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void look(struct db *d, struct exchange *x)
{
	const struct ticket *t = ticket_of(x);
	struct account account;
	const char *name = "";
	enum err e = *t->login ? accounts_by_id(d, &x->arena, t->participant, &account) : people_name(d, &x->arena, t->participant, &name);

	if (e == ERR_NOT_FOUND) /* deleted a moment ago */
		e = ERR_UNAUTHENTICATED;
	if (e == OK)
		show(x, *t->login ? &account : NULL, *t->login ? account.name : name);
	else
		answer_error(x, e, NULL, 0);
}

void account_me(struct exchange *x)
{
	lasting_run(x, look);
}

/* ---- a fresh token ---- */

static void refresh(struct db *d, struct exchange *x)
{
	const struct ticket *t = ticket_of(x);
	const char *name = "";
	enum err e = people_name(d, &x->arena, t->participant, &name);

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	keep_cookie(x);
	login_answer(x, t->participant, name, t->login);
}

void account_refresh(struct exchange *x)
{
	if (has_account(x) && guard_bare_body(x))
		lasting_run(x, refresh);
}

/* ---- another name ---- */

static void rename_person(struct db *d, struct exchange *x)
{
	answer_empty(x, people_rename(d, ticket_of(x)->participant, visit_of(x)->more));
}

void account_rename(struct exchange *x)
{
	struct body b;
	const char *name;

	if (!has_account(x))
		return;
	body_open(&b, &x->request, true);
	name = body_line(&b, "name", PERSON_NAME_MAX, true);
	if (name)
		visit_of(x)->more = proof_copy(x, name);
	lasting_run_body(x, &b, rename_person);
}

/* ---- another password; no account any more ---- */

struct change {
	struct proof proof;   /* first: good gets it */
	struct proof new_one; /* for its password and its wiping only */
	char hash[PASSWORD_HASH_MAX];
	const char **revoked;
	int count;
};

static void change_end(struct change *c, enum err e, const char *details)
{
	proof_wipe(&c->new_one);
	proof_wipe(&c->proof);
	if (e == OK)
		exchange_empty(c->proof.x, 204);
	else
		answer_error(c->proof.x, e, details, 0);
}

static void told(void *ctx)
{
	change_end(ctx, OK, NULL);
}

static enum err change_both(struct db *d, void *ctx)
{
	struct change *c = ctx;
	const struct ticket *t = ticket_of(c->proof.x);
	enum err e = accounts_password(d, t->participant, c->proof.account.password, c->hash);

	if (e == OK) /* whoever else is in, goes: that is what people change passwords for */
		e = logins_revoke_all(d, &c->proof.x->arena, t->participant, t->login, clock_now_ms(), &c->revoked, &c->count);
	return e;
}

static void change_password(struct db *d, void *ctx)
{
	struct change *c = ctx;
	enum err e = d ? db_write(d, change_both, c) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		login_revoked(store_commands(), c->revoked, c->count, told, c);
	else
		change_end(c, e, e == ERR_CONFLICT ? "The password was changed meanwhile." : NULL);
}

static void hash_new(void *ctx, bool in_time)
{
	struct change *c = ctx;
	const char *password = c->new_one.password;
	enum err e = in_time ? password_hash(c->hash, password, strlen(password)) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		e = dbpool_run(change_password, c);
	if (e != OK)
		change_end(c, e, NULL);
}

static void may_change(struct proof *p)
{
	struct change *c = (struct change *)p;
	const char *weak = password_weak(c->new_one.password, strlen(c->new_one.password), p->account.login);
	enum err e = weak ? ERR_BAD_REQUEST : hashing_run(hash_new, c);

	if (e != OK)
		change_end(c, e, weak);
}

/* Both take the password again. */
static void begin(struct exchange *x, bool another, void (*good)(struct proof *p))
{
	struct change *c = arena_alloc(&x->arena, sizeof *c);
	struct body b;

	if (!has_account(x))
		return;
	body_open(&b, &x->request, true);
	c->proof = (struct proof){.x = x, .id = ticket_of(x)->participant, .refusal = ERR_FORBIDDEN, .good = good};
	c->new_one.x = x;
	c->proof.password = proof_copy(x, body_text(&b, "password", 1024, true));
	if (another)
		c->new_one.password = proof_copy(x, body_text(&b, "newPassword", 1024, true));
	if (guard_body(x, &b))
		proof_begin(&c->proof);
}

void account_password(struct exchange *x)
{
	begin(x, true, may_change);
}

static enum err delete_all(struct db *d, void *ctx)
{
	struct change *c = ctx;
	const char *id = ticket_of(c->proof.x)->participant;
	enum err e = accounts_delete(d, id);

	if (e == OK)
		e = logins_revoke_all(d, &c->proof.x->arena, id, "", clock_now_ms(), &c->revoked, &c->count);
	return e;
}

static void delete_account(struct db *d, void *ctx)
{
	struct change *c = ctx;
	enum err e = d ? membership_depart(d, ticket_of(c->proof.x)->participant) : ERR_STORE_UNAVAILABLE;

	/* Out of everything first: if this fails half way, there is still somebody who can ask again. */
	if (e == OK)
		e = db_write(d, delete_all, c);
	if (e != OK) {
		change_end(c, e, NULL);
		return;
	}
	credentials_login_clear(c->proof.x);
	login_revoked(store_commands(), c->revoked, c->count, told, c);
}

static void may_delete(struct proof *p)
{
	if (dbpool_run(delete_account, p) != OK)
		change_end((struct change *)p, ERR_STORE_UNAVAILABLE, NULL);
}

void account_delete(struct exchange *x)
{
	begin(x, false, may_delete);
}
