/* See proof.h. Called by api/auth and api/account. */
#include <string.h>

#include "api/proof.h"
#include "base/password.h"
#include "chat/hashing.h"
#include "store/dbpool.h"
#include "store/store.h"

static const char wrong[] = "The login or the password is not right.";
static const char wrong_inside[] = "The password is not right.";

void proof_wipe(struct proof *p)
{
	struct request *r = &p->x->request;

	if (p->password)
		explicit_bzero(p->password, strlen(p->password));
	p->password = NULL;
	explicit_bzero((char *)r->body, r->body_len); /* our own arena's memory */
	r->body_len = 0;
}

char *proof_copy(struct exchange *x, const char *text)
{
	return text ? arena_strdup(&x->arena, text) : NULL;
}

static void end(struct proof *p, enum err e, const char *details, int retry_after_s)
{
	proof_wipe(p);
	answer_error(p->x, e, details, retry_after_s);
}

static void compare(void *ctx, bool in_time)
{
	struct proof *p = ctx;
	enum err e = in_time ? password_check(p->found ? p->account.password : NULL, p->password, strlen(p->password)) : ERR_STORE_UNAVAILABLE;

	if (e == OK) {
		throttle_give_back(store_commands(), &p->throttle);
		p->good(p);
	} else if (e == ERR_UNAUTHENTICATED) {
		end(p, p->refusal, p->refusal == ERR_UNAUTHENTICATED ? wrong : wrong_inside, 0);
	} else {
		end(p, e, NULL, 0);
	}
}

static void find(struct db *d, void *ctx)
{
	struct proof *p = ctx;
	struct arena *a = &p->x->arena;
	enum err e = ERR_STORE_UNAVAILABLE;

	if (d)
		e = p->login ? accounts_by_login(d, a, p->login, &p->account) : accounts_by_id(d, a, p->id, &p->account);
	p->found = e == OK;
	if (e == ERR_NOT_FOUND)
		e = OK;
	if (e == OK)
		e = hashing_run(compare, p);
	if (e != OK)
		end(p, e, NULL, 0);
}

static void throttled(void *ctx, enum err e, int retry_after_s)
{
	struct proof *p = ctx;

	if (e == OK)
		e = dbpool_run(find, p);
	if (e != OK)
		end(p, e, e == ERR_RATE_LIMITED ? "Too many tries; wait a little." : NULL, retry_after_s);
}

void proof_begin(struct proof *p)
{
	throttle_init(&p->throttle, THROTTLE_PASSWORD, p->login ? p->login : p->id, p->x->request.remote_addr);
	throttle_take(store_commands(), &p->throttle, throttled, p);
}
