/* See login.h. Called by api/guard, api/auth and hubs. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mac.h"
#include "chat/call.h"
#include "chat/login.h"
#include "store/dbpool.h"
#include "store/logins.h"

enum {
	TOLD_AT_ONCE = 500,
	AGAIN_LEAST_MS = 200, /* a refusal that came sooner than this is not tried again at once */
	MARGIN_S = 60,        /* between the clocks of two machines, and for what is under way */
};

/* The connection (redis_generation) over which Redis was told of everything that was revoked lately; 0 none. A process has one for this. */
static atomic_uint trusted;

static void key_of(struct args *a, const char *id)
{
	args_init(a);
	args_printf(a, "{0}:login:%s", id);
	a->keys = 1;
}

void login_id(char out[TICKET_LOGIN_LEN + 1], const char *value, size_t len)
{
	static const char purpose[] = "reading-room login"; /* no secret: the value has 128 random bits itself */
	unsigned char mac[MAC_BYTES];

	mac_sha256(mac, purpose, sizeof purpose - 1, value, len);
	for (int i = 0; i < TICKET_LOGIN_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* ---- Redis ---- */

struct looking {
	struct redis *r;
	login_done *done;
	void *ctx;
};

static bool parse(struct login *l, const char *text)
{
	long long until;
	size_t len = strcspn(text, " ");

	if (!id_valid(text, len) || sscanf(text + len, "%lld", &until) != 1)
		return false;
	memcpy(l->person, text, len);
	l->person[len] = '\0';
	l->expires_at = until;
	return true;
}

static void looked(void *ctx, const struct reply *reply)
{
	struct looking *p = ctx;
	bool said = reply_kind(reply) == REPLY_TEXT, believed = atomic_load(&trusted) == redis_generation(p->r);
	const char *text = reply_text(reply, NULL);
	struct login l;

	if (said && strcmp(text, "-") == 0) /* what was revoked never stands again: this is believed always */
		p->done(p->ctx, ERR_UNAUTHENTICATED, NULL);
	else if (said && believed && parse(&l, text) && l.expires_at > clock_now_ms())
		p->done(p->ctx, OK, &l);
	else
		p->done(p->ctx, ERR_NOT_FOUND, NULL);
	free(p);
}

void login_look(struct redis *r, const char *id, login_done *done, void *ctx)
{
	struct looking *p;
	struct args a;

	if (!redis_ready(r)) { /* waiting for a connection would cost more than SQL */
		done(ctx, ERR_NOT_FOUND, NULL);
		return;
	}
	p = call_alloc(sizeof *p);
	*p = (struct looking){r, done, ctx};
	args_init(&a);
	args_str(&a, "GET");
	args_printf(&a, "{0}:login:%s", id);
	redis_call(r, &a, 0, looked, p);
}

static void forgotten(void *ctx, const struct reply *reply)
{
	(void)ctx;
	(void)reply;
}

/* NX: a login that was revoked meanwhile has its "-" there. */
static void remember(struct redis *r, const char *id, const struct login *l)
{
	int64_t left_s = (l->expires_at - clock_now_ms()) / 1000;
	struct args a;

	if (left_s < 1 || !redis_ready(r))
		return;
	args_init(&a);
	args_str(&a, "SET");
	args_printf(&a, "{0}:login:%s", id);
	args_printf(&a, "%s %lld", l->person, (long long)l->expires_at);
	args_str(&a, "NX");
	args_str(&a, "EX");
	args_int(&a, left_s < LOGIN_KEPT_S ? left_s : LOGIN_KEPT_S);
	redis_call(r, &a, 0, forgotten, NULL);
}

/* ---- telling Redis ---- */

/* A call each; the last one to end says done. */
struct telling {
	atomic_int left;
	atomic_bool failed;
	void (*done)(void *ctx);
	void *ctx;
	struct redis *r;
	unsigned generation; /* not 0: when all went well, this connection can be trusted */
};

struct told {
	struct telling *all;
	struct redis *r;
	int64_t since, sent_at; /* clock_mono_ms */
	bool again;             /* nobody waits any more */
	char id[TICKET_LOGIN_LEN + 1];
};

static void tell(struct told *t);

static void one_less(struct telling *all, bool good)
{
	if (!good)
		atomic_store(&all->failed, true);
	if (atomic_fetch_sub(&all->left, 1) > 1)
		return;
	if (all->generation && !atomic_load(&all->failed) && redis_generation(all->r) == all->generation)
		atomic_store(&trusted, all->generation);
	if (all->done)
		all->done(all->ctx);
	free(all);
}

static void was_told(void *ctx, const struct reply *reply)
{
	struct told *t = ctx;
	int64_t now = clock_mono_ms();
	bool good = call_err(reply, NULL) == OK;

	if (!t->again)
		one_less(t->all, good);
	t->again = true;
	if (good) {
		free(t);
		return;
	}
	atomic_store(&trusted, 0); /* so whoever asks this process next makes it tell Redis everything */
	if (now - t->since > LOGIN_KEPT_S * INT64_C(1000) || now - t->sent_at < AGAIN_LEAST_MS)
		free(t);
	else
		tell(t);
}

static void tell(struct told *t)
{
	struct args a;

	t->sent_at = clock_mono_ms();
	key_of(&a, t->id);
	args_str(&a, "{0}:hubs");
	a.keys = 2;
	args_str(&a, t->id);
	args_int(&a, LOGIN_KEPT_S + MARGIN_S);
	redis_script(t->r, "login_revoke", &a, was_told, t);
}

static void tell_all(struct redis *r, const char *const *ids, int count, unsigned generation, void (*done)(void *ctx), void *ctx)
{
	struct telling *all = call_alloc(sizeof *all);

	*all = (struct telling){.done = done, .ctx = ctx, .r = r, .generation = generation};
	atomic_init(&all->left, count + 1);
	for (int i = 0; i < count; i++) {
		struct told *t = call_alloc(sizeof *t);
		t->all = all;
		t->r = r;
		t->since = clock_mono_ms();
		snprintf(t->id, sizeof t->id, "%s", ids[i]);
		tell(t);
	}
	one_less(all, true);
}

void login_revoked(struct redis *r, const char *const *ids, int count, void (*done)(void *ctx), void *ctx)
{
	tell_all(r, ids, count, 0, done, ctx);
}

/* ---- SQL ---- */

/* A new connection: everything that Redis may have missed. Rare, so whoever comes first while it is under way does it as well. */
static void tell_what_was_missed(struct db *d, struct redis *r)
{
	unsigned generation = redis_generation(r);
	int64_t since = clock_now_ms() - (LOGIN_KEPT_S + MARGIN_S) * INT64_C(1000);
	struct arena a = {0};
	const char **ids;
	int count;

	if (!redis_ready(r) || atomic_load(&trusted) == generation)
		return;
	if (logins_revoked(d, &a, since, "", TOLD_AT_ONCE, &ids, &count) == OK) {
		if (count == TOLD_AT_ONCE) /* too many for one go: not to be trusted before some are old enough */
			generation = 0;
		tell_all(r, ids, count, generation, NULL, NULL);
	}
	arena_done(&a);
}

enum err login_read(struct db *d, struct redis *r, const char *id, struct login *out)
{
	enum err e;

	if (r)
		tell_what_was_missed(d, r);
	e = logins_get(d, id, clock_now_ms(), out->person, &out->expires_at);
	if (e == OK && r)
		remember(r, id, out);
	return e;
}

/* ---- both ---- */

struct verifying {
	struct redis *r;
	login_done *done;
	void *ctx;
	char id[TICKET_LOGIN_LEN + 1];
};

static void verify_end(struct verifying *v, enum err e, const struct login *l)
{
	v->done(v->ctx, e, l);
	free(v);
}

static void ask_sql(struct db *d, void *ctx)
{
	struct verifying *v = ctx;
	struct login l;
	enum err e = d ? login_read(d, v->r, v->id, &l) : ERR_STORE_UNAVAILABLE;

	verify_end(v, e, e == OK ? &l : NULL);
}

static void verify_looked(void *ctx, enum err e, const struct login *l)
{
	struct verifying *v = ctx;

	if (e != ERR_NOT_FOUND)
		verify_end(v, e, l);
	else if (dbpool_run(ask_sql, v) != OK)
		verify_end(v, ERR_STORE_UNAVAILABLE, NULL);
}

void login_verify(struct redis *r, const char *id, login_done *done, void *ctx)
{
	struct verifying *v = call_alloc(sizeof *v);

	v->r = r;
	v->done = done;
	v->ctx = ctx;
	snprintf(v->id, sizeof v->id, "%s", id);
	login_look(r, id, verify_looked, v);
}

/* ---- credentials ---- */

struct settling {
	struct redis *r;
	struct credentials *c;
	credentials_settled *done;
	void *ctx;
};

bool credentials_unsettled(const struct credentials *c)
{
	return *c->ticket.login || *c->beside;
}

static void settle_end(struct settling *s, enum err e, const char *details)
{
	s->done(s->ctx, e, details);
	free(s);
}

/* A login cookie beside other credentials, if it stands, is the same person's. */
static void settled_beside(void *ctx, enum err e, const struct login *l)
{
	struct settling *s = ctx;

	if (e == OK && strcmp(l->person, s->c->ticket.participant) != 0)
		settle_end(s, ERR_BAD_REQUEST, "The login cookie and the other credentials name different people.");
	else
		settle_end(s, e == ERR_UNAUTHENTICATED ? OK : e, NULL);
}

static void look_beside(struct settling *s)
{
	if (*s->c->beside)
		login_verify(s->r, s->c->beside, settled_beside, s);
	else
		settle_end(s, OK, NULL);
}

static void settled_login(void *ctx, enum err e, const struct login *l)
{
	struct settling *s = ctx;
	struct ticket *t = &s->c->ticket;
	char hash[9];

	if (e == OK && *t->participant && strcmp(t->participant, l->person) != 0)
		e = ERR_UNAUTHENTICATED;
	if (e != OK) {
		settle_end(s, e, e == ERR_UNAUTHENTICATED ? "This login has ended." : NULL);
		return;
	}
	snprintf(t->participant, sizeof t->participant, "%s", l->person);
	if (t->expires_at_ms == 0)
		t->expires_at_ms = l->expires_at;
	ticket_short_hash(hash, t);
	if (*s->c->as && strcmp(s->c->as, hash) != 0) {
		settle_end(s, ERR_UNAUTHENTICATED, "No credentials of the one that as or the stream ticket names.");
		return;
	}
	look_beside(s);
}

void credentials_settle(struct redis *r, struct credentials *c, credentials_settled *done, void *ctx)
{
	struct settling *s = call_alloc(sizeof *s);

	*s = (struct settling){r, c, done, ctx};
	if (*c->ticket.login)
		login_verify(r, c->ticket.login, settled_login, s);
	else
		look_beside(s);
}
