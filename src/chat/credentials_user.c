/* Users of lasting conversations (see credentials.h): accounts made here, and MainServer's users. Called by api/guard, api/auth and the stream program.
 *
 * Three things may say who somebody is: a bearer token; the login cookie, which only the store can read; and cookies that hold a user's token, for those who cannot send a
 * header (room_user_<short hash>: of everything, or of one stream). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "chat/credentials_parts.h"
#include "chat/login.h"
#include "http/cookie.h"
#include "store/logins.h"

#define FEED_PATH "/api/events"

struct users {
	struct jar jar;
	const char *login_name; /* of the login cookie */
	const char *login;      /* its value, NULL = none */
	bool logins_differ;
};

static const char *login_cookie(const struct request *r)
{
	return r->https ? LOGIN_COOKIE_SECURE : LOGIN_COOKIE;
}

static struct users users_wanted(const struct request *r, const char *as)
{
	return (struct users){
		.jar = {.prefix = USER_COOKIE_PREFIX, .kind = TICKET_USER, .conversation = "", .as = as}, .login_name = login_cookie(r)};
}

static bool is(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

static void look_at_login(struct users *u, const char *value, size_t len)
{
	if (len != LOGIN_VALUE_LEN || strspn(value, "0123456789abcdef") < LOGIN_VALUE_LEN)
		return;
	if (!u->login)
		u->login = value;
	else
		u->logins_differ |= memcmp(u->login, value, len) != 0;
}

static bool look_at_cookie(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct users *u = ctx;

	if (is(name, name_len, u->login_name))
		look_at_login(u, value, value_len);
	else
		credentials_look(&u->jar, name, name_len, value, value_len); /* too many: the login's may still come */
	return true;
}

/* The login that the cookie names is to be looked at beside ticket, unless that rests on the same one. */
static void put_beside(struct credentials *out, const char *login)
{
	login_id(out->beside, login, LOGIN_VALUE_LEN);
	if (strcmp(out->beside, out->ticket.login) == 0)
		*out->beside = '\0';
}

static enum err by_bearer(const struct request *r, enum credentials_use use, const char *as, struct credentials *out, const char **details)
{
	struct users u = users_wanted(r, NULL);
	char hash[9];

	out->known = true;
	if (!as && !r->cookie)
		return OK;
	ticket_short_hash(hash, &out->ticket);
	if (as && memcmp(as, hash, 8) != 0) {
		*details = "The Authorization header and the query name different people.";
		return ERR_BAD_REQUEST;
	}
	u.jar.beside = hash;
	request_cookies(r, look_at_cookie, &u);
	if (use == CREDENTIALS_ENTRANCE)
		return OK;
	if (u.jar.valid && !u.jar.bearer_among) {
		*details = "The Authorization header and the cookies name different people.";
		return ERR_BAD_REQUEST;
	}
	if (u.login)
		put_beside(out, u.login);
	return OK;
}

static enum err by_cookie(const struct request *r, const char *as, struct credentials *out, const char **details)
{
	struct users u = users_wanted(r, as);
	enum err e;

	request_cookies(r, look_at_cookie, &u);
	if (u.jar.several || u.logins_differ) {
		*details = "Cookies of several people are here; ?as= says which one is meant.";
		return ERR_BAD_REQUEST;
	}
	if (!u.jar.valid && !u.login)
		return u.jar.expired ? ERR_TICKET_EXPIRED : ERR_UNAUTHENTICATED;
	e = credentials_against_forgery(r, details);
	if (e != OK)
		return e;
	out->known = out->by_cookie = true;
	if (u.jar.valid) {
		out->ticket = u.jar.ticket;
		out->jwt = u.jar.jwt;
		out->jwt_len = u.jar.jwt_len;
		if (u.login && !as) /* as chose the other one */
			put_beside(out, u.login);
		return OK;
	}
	out->ticket.kind = TICKET_USER;
	snprintf(out->ticket.side, sizeof out->ticket.side, "user");
	login_id(out->ticket.login, u.login, LOGIN_VALUE_LEN);
	if (as)
		memcpy(out->as, as, 8);
	return OK;
}

enum err credentials_user_by(const struct exchange *x, const struct bearer *b, const char *conversation, enum credentials_use use,
	struct credentials *out, const char **details)
{
	const struct request *r = &x->request;
	const char *as;
	enum err e;

	*details = NULL;
	*out = (struct credentials){0};
	e = credentials_wanted(x, TICKET_USER, use, out, &as, details);
	if (e != OK)
		return e;
	if (r->authorization) {
		e = credentials_take_bearer(b, out, details);
		if (e == OK && out->ticket.kind != TICKET_USER) {
			*details = "This token is no user's.";
			return ERR_FORBIDDEN;
		}
		if (e == OK)
			e = by_bearer(r, use, as, out, details);
	} else {
		e = by_cookie(r, as, out, details);
		if (out->stream_ticket && (e == ERR_UNAUTHENTICATED || e == ERR_TICKET_EXPIRED))
			return OK; /* the stream ticket itself must do */
	}
	if (conversation)
		snprintf(out->ticket.conversation, sizeof out->ticket.conversation, "%s", conversation);
	return e;
}

enum err credentials_user(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details)
{
	struct bearer b;

	credentials_bearer(&b, &x->request);
	return credentials_user_by(x, &b, conversation, use, out, details);
}

/* Whether a request is a user's, and not a participant's: by the bearer, by the stream ticket, or because there are only such cookies. */
static bool of_user(const struct exchange *x, const struct bearer *b, const char *conversation, enum credentials_use use,
	struct credentials *out, enum err *e, const char **details)
{
	const struct request *r = &x->request;
	const char *stream_ticket = NULL;

	if (r->authorization)
		return b->err == OK && b->ticket.kind == TICKET_USER;
	if (use == CREDENTIALS_STREAM && *r->query && request_query(r, "stream_ticket", &stream_ticket) == OK && stream_ticket &&
		*stream_ticket == 'u')
		return true;
	*e = credentials_participant_by(x, b, conversation, use, out, details);
	return *e == ERR_UNAUTHENTICATED || *e == ERR_TICKET_EXPIRED;
}

enum err credentials_member(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details)
{
	struct credentials user = {0};
	const char *user_details = NULL;
	enum err e = OK, user_e;
	struct bearer b;

	credentials_bearer(&b, &x->request);
	if (of_user(x, &b, conversation, use, out, &e, details))
		user_e = credentials_user_by(x, &b, conversation, use, &user, &user_details);
	else if (x->request.authorization)
		return credentials_participant_by(x, &b, conversation, use, out, details);
	else
		return e;
	if (e != OK && (user_e == ERR_UNAUTHENTICATED || user_e == ERR_TICKET_EXPIRED))
		return e; /* neither: a participant's is the answer that says more */
	*out = user;
	*details = user_details;
	return user_e;
}

enum err credentials_manager(const struct exchange *x, const char *conversation, struct credentials *out, const char **details)
{
	struct bearer b;

	credentials_bearer(&b, &x->request);
	if (b.err != OK || b.ticket.kind != TICKET_SERVICE || request_query_has_jwt(&x->request))
		return credentials_user_by(x, &b, conversation, CREDENTIALS_REST, out, details);
	*out = (struct credentials){.known = true, .ticket = b.ticket, .jwt = b.token, .jwt_len = b.token_len};
	*details = NULL;
	if (conversation)
		snprintf(out->ticket.conversation, sizeof out->ticket.conversation, "%s", conversation);
	return OK;
}

/* ---- cookies ---- */

void credentials_login_set(struct exchange *x, const char *value)
{
	cookie_set_lasting(x, login_cookie(&x->request), value, LOGIN_VALUE_LEN, "/", LOGIN_LIFE_MS / 1000);
}

void credentials_login_clear(struct exchange *x)
{
	cookie_clear(x, login_cookie(&x->request), "/");
}

void credentials_stream_cookie(struct exchange *x, const struct ticket *t)
{
	char name[USER_COOKIE_NAME_LEN + 1] = USER_COOKIE_PREFIX, path[40 + ID_MAX] = FEED_PATH;
	int64_t most = clock_now_ms() + config_number("ROOM_TICKET_S") * 1000;
	struct ticket mine = *t;
	char *jwt;

	if (mine.expires_at_ms > most) /* a login lasts longer than any token may */
		mine.expires_at_ms = most;
	jwt = ticket_mint(&mine);
	if (!jwt)
		abort();
	ticket_short_hash(name + sizeof USER_COOKIE_PREFIX - 1, t);
	if (*t->conversation)
		snprintf(path, sizeof path, "/api/conversations/%s/events", t->conversation);
	cookie_set(x, name, jwt, strlen(jwt), path);
	free(jwt);
}

const char *credentials_login(const struct request *r)
{
	struct users u = users_wanted(r, NULL);

	request_cookies(r, look_at_cookie, &u);
	return u.login;
}

void credentials_users_clear(struct exchange *x, const char *as)
{
	credentials_clear(x, USER_COOKIE_PREFIX, "/", as);
}

void credentials_feed_clear(struct exchange *x, const struct ticket *t)
{
	char name[USER_COOKIE_NAME_LEN + 1] = USER_COOKIE_PREFIX;

	ticket_short_hash(name + sizeof USER_COOKIE_PREFIX - 1, t);
	cookie_clear(x, name, FEED_PATH);
}
