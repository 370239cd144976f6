/* See credentials.h. Called by api/guard and by the stream program for every request that is about a conversation. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chat/credentials.h"
#include "chat/credentials_parts.h"
#include "chat/stream_ticket.h"
#include "http/body.h"
#include "http/cookie.h"
#include "http/origin.h"

/* The short hash in a cookie's name; NULL when it is not of that prefix. */
static const char *hash_in(const char *name, size_t len, const char *prefix)
{
	size_t stem = strlen(prefix);

	return len == stem + 8 && memcmp(name, prefix, stem) == 0 ? name + stem : NULL;
}

bool credentials_look(struct jar *jar, const char *name, size_t name_len, const char *value, size_t value_len)
{
	const char *named = hash_in(name, name_len, jar->prefix);
	struct ticket t;
	char hash[9];
	enum err e;

	if (!named || (jar->as && memcmp(named, jar->as, 8) != 0))
		return true;
	if (++jar->offered > COOKIES_MAX)
		return false;
	e = ticket_verify(&t, value, value_len, NULL);
	jar->expired |= e == ERR_TICKET_EXPIRED;
	if (e != OK || t.kind != jar->kind || strcmp(t.conversation, jar->conversation) != 0)
		return true;
	ticket_short_hash(hash, &t);
	if (memcmp(named, hash, 8) != 0) /* somebody's ticket under another's name */
		return true;
	jar->bearer_among |= jar->beside && strcmp(hash, jar->beside) == 0;
	if (jar->valid++ == 0) {
		jar->ticket = t;
		jar->jwt = value;
		jar->jwt_len = value_len;
	} else if (!ticket_same(&t, &jar->ticket)) {
		jar->several = true;
	}
	return true;
}

static bool look_at_cookie(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len)
{
	return credentials_look(ctx, name, name_len, value, value_len);
}

/* The token of "Authorization: Bearer <token>". */
static enum err bearer_token(const struct request *r, const char **token, size_t *len, const char **details)
{
	const char *at = r->authorization;

	if (strchr(at, ',')) { /* lighttpd's way to pass on two headers */
		*details = "There is more than one Authorization header.";
		return ERR_BAD_REQUEST;
	}
	if (strncasecmp(at, "Bearer ", 7) != 0) {
		*details = "Authorization must be a Bearer token.";
		return ERR_UNAUTHENTICATED;
	}
	at += 7 + strspn(at + 7, " ");
	*token = at;
	*len = strlen(at);
	return OK;
}

void credentials_bearer(struct bearer *out, const struct request *r)
{
	*out = (struct bearer){.err = ERR_UNAUTHENTICATED};
	if (!r->authorization)
		return;
	out->err = bearer_token(r, &out->token, &out->token_len, &out->details);
	if (out->err == OK)
		out->err = ticket_verify(&out->ticket, out->token, out->token_len, &out->details);
}

enum err credentials_take_bearer(const struct bearer *b, struct credentials *out, const char **details)
{
	if (b->details)
		*details = b->details;
	if (b->err != OK)
		return b->err;
	out->ticket = b->ticket;
	out->jwt = b->token;
	out->jwt_len = b->token_len;
	return OK;
}

enum err credentials_wanted(const struct exchange *x, enum ticket_kind kind, enum credentials_use use, struct credentials *out,
	const char **as, const char **details)
{
	const struct request *r = &x->request;
	const char *stream_ticket = NULL, *digits;

	*as = NULL;
	if (!*r->query)
		return OK;
	if (request_query_has_jwt(r)) {
		*details = "A ticket must not stand in a query string.";
		return ERR_UNAUTHENTICATED;
	}
	if (request_query(r, "as", as) != OK || (use == CREDENTIALS_STREAM && request_query(r, "stream_ticket", &stream_ticket) != OK))
		return ERR_BAD_REQUEST;
	if (*as && (strlen(*as) != 8 || (*as)[strspn(*as, "0123456789abcdef")])) {
		*details = "as must be 8 hex digits, as …/cookie answered them.";
		return ERR_BAD_REQUEST;
	}
	if (!stream_ticket)
		return OK;
	digits = stream_ticket + (kind == TICKET_USER && *stream_ticket == 'u');
	if ((kind == TICKET_USER && digits == stream_ticket) || strlen(digits) != STREAM_TICKET_LEN ||
		digits[strspn(digits, "0123456789abcdef")]) {
		*details = "The stream ticket is not valid.";
		return ERR_UNAUTHENTICATED;
	}
	if (*as && memcmp(*as, digits, 8) != 0) {
		*details = "as and stream_ticket name different participants.";
		return ERR_BAD_REQUEST;
	}
	out->stream_ticket = stream_ticket;
	*as = digits; /* its first 8 */
	return OK;
}

/* A bearer alone decides who it is; whatever else there is must not contradict. */
static enum err by_bearer(const struct exchange *x, const struct bearer *b, enum credentials_use use, const char *as, struct jar *jar,
	struct credentials *out, const char **details)
{
	char hash[9];
	enum err e = credentials_take_bearer(b, out, details);

	if (e != OK)
		return e;
	if (out->ticket.kind != jar->kind) {
		*details = jar->kind == TICKET_DESK ? "This token is no counselor's without a session." : "This token is no participant's ticket.";
		return ERR_FORBIDDEN;
	}
	if (strcmp(out->ticket.conversation, jar->conversation) != 0)
		return ERR_NOT_FOUND;
	out->known = true;
	if (!as && !x->request.cookie)
		return OK;
	ticket_short_hash(hash, &out->ticket);
	if (as && memcmp(as, hash, 8) != 0) {
		*details = "The Authorization header and the query name different participants.";
		return ERR_BAD_REQUEST;
	}
	jar->beside = hash;
	request_cookies(&x->request, look_at_cookie, jar);
	jar->beside = NULL;
	if (use != CREDENTIALS_ENTRANCE && jar->valid && !jar->bearer_among) {
		*details = "The Authorization header and the cookies name different participants.";
		return ERR_BAD_REQUEST;
	}
	return OK;
}

/* A type that a page elsewhere cannot send without asking first. */
static bool asks_first(const char *type)
{
	static const char *const free_to_all[] = {"text/plain", "multipart/form-data", "application/x-www-form-urlencoded"};
	size_t n = type ? strcspn(type, "; \t") : 0;

	for (size_t i = 0; i < sizeof free_to_all / sizeof *free_to_all; i++)
		if (strlen(free_to_all[i]) == n && strncasecmp(type, free_to_all[i], n) == 0)
			return false;
	return n > 0;
}

/* Cookies come along with requests that any page can cause: those must be ours (design §6). */
enum err credentials_against_forgery(const struct request *r, const char **details)
{
	bool writes = r->method != METHOD_GET && r->method != METHOD_HEAD;

	if (!origin_trusted(r, writes)) {
		*details = "A cookie is taken only from this site and from the listed origins.";
		return ERR_FORBIDDEN;
	}
	/* POST is the one writing method that a page may send elsewhere without asking first, and then with three other types only */
	if (r->body_coming && !asks_first(r->content_type)) {
		*details = "With a cookie, a file must have a type, and text the type application/octet-stream.";
		return ERR_UNSUPPORTED_TYPE;
	}
	if (r->method == METHOD_POST && !r->body_coming && !body_type_is_json(r->content_type)) {
		*details = "With a cookie, a POST must have the type application/json, even without a body.";
		return ERR_UNSUPPORTED_TYPE;
	}
	return OK;
}

static enum err by_cookie(const struct exchange *x, struct jar *jar, struct credentials *out, const char **details)
{
	enum err e;

	request_cookies(&x->request, look_at_cookie, jar);
	if (jar->several) {
		*details = "Several participants' cookies are here; ?as= says which one is meant.";
		return ERR_BAD_REQUEST;
	}
	if (!jar->valid)
		return jar->expired ? ERR_TICKET_EXPIRED : ERR_UNAUTHENTICATED;
	e = credentials_against_forgery(&x->request, details);
	if (e != OK)
		return e;
	out->ticket = jar->ticket;
	out->jwt = jar->jwt;
	out->jwt_len = jar->jwt_len;
	out->known = out->by_cookie = true;
	return OK;
}

static enum err look_around(const struct exchange *x, const struct bearer *b, struct jar jar, enum credentials_use use,
	struct credentials *out, const char **details)
{
	const char *as;
	enum err e;

	*details = NULL;
	*out = (struct credentials){0};
	e = credentials_wanted(x, jar.kind, use, out, &as, details);
	if (e != OK)
		return e;
	if (x->request.authorization)
		return by_bearer(x, b, use, as, &jar, out, details);
	jar.as = as;
	e = by_cookie(x, &jar, out, details);
	if (out->stream_ticket && (e == ERR_UNAUTHENTICATED || e == ERR_TICKET_EXPIRED))
		return OK; /* the stream ticket itself must do */
	return e;
}

enum err credentials_participant_by(const struct exchange *x, const struct bearer *b, const char *conversation, enum credentials_use use,
	struct credentials *out, const char **details)
{
	return look_around(
		x, b, (struct jar){.prefix = COOKIE_PREFIX, .kind = TICKET_PARTICIPANT, .conversation = conversation}, use, out, details);
}

enum err credentials_participant(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details)
{
	struct bearer b;

	credentials_bearer(&b, &x->request);
	return credentials_participant_by(x, &b, conversation, use, out, details);
}

enum err credentials_desk(const struct exchange *x, enum credentials_use use, struct credentials *out, const char **details)
{
	struct bearer b;

	credentials_bearer(&b, &x->request);
	return look_around(x, &b, (struct jar){.prefix = COOKIE_PREFIX, .kind = TICKET_DESK, .conversation = ""}, use, out, details);
}

enum err credentials_other(const struct exchange *x, enum ticket_kind kind, struct ticket *out, const char **details)
{
	struct bearer b;

	*details = NULL;
	if (request_query_has_jwt(&x->request)) {
		*details = "A token must not stand in a query string.";
		return ERR_UNAUTHENTICATED;
	}
	credentials_bearer(&b, &x->request);
	*details = b.details;
	if (b.err != OK)
		return b.err;
	*out = b.ticket;
	return out->kind == kind ? OK : ERR_FORBIDDEN;
}

static void cookie_name_path(const struct ticket *t, char name[USER_COOKIE_NAME_LEN + 1], char *path, size_t path_size)
{
	char hash[9];

	ticket_short_hash(hash, t);
	snprintf(name, USER_COOKIE_NAME_LEN + 1, "%s%s", t->kind == TICKET_USER ? USER_COOKIE_PREFIX : COOKIE_PREFIX, hash);
	if (t->kind == TICKET_DESK)
		snprintf(path, path_size, "/api/desk");
	else if (t->kind == TICKET_USER && !*t->conversation)
		snprintf(path, path_size, "/");
	else
		snprintf(path, path_size, "/api/conversations/%s", t->conversation);
}

void credentials_cookie_set(struct exchange *x, const struct ticket *t, const char *jwt, size_t jwt_len)
{
	char name[USER_COOKIE_NAME_LEN + 1], path[32 + ID_MAX];

	cookie_name_path(t, name, path, sizeof path);
	cookie_set(x, name, jwt, jwt_len, path);
}

void credentials_cookie_clear(struct exchange *x, const struct ticket *t)
{
	char name[USER_COOKIE_NAME_LEN + 1], path[32 + ID_MAX];

	cookie_name_path(t, name, path, sizeof path);
	cookie_clear(x, name, path);
}

struct clearing {
	struct exchange *x;
	const char *prefix, *path, *as;
	int cleared;
};

static bool clear_one(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct clearing *c = ctx;
	const char *hash = hash_in(name, name_len, c->prefix);

	(void)value;
	(void)value_len;
	if (!hash || strspn(hash, "0123456789abcdef") < 8 || (c->as && memcmp(hash, c->as, 8) != 0))
		return true;
	cookie_clear(c->x, arena_strndup(&c->x->arena, name, name_len), c->path);
	return ++c->cleared < COOKIES_MAX;
}

int credentials_clear(struct exchange *x, const char *prefix, const char *path, const char *as)
{
	struct clearing c = {.x = x, .prefix = prefix, .path = path, .as = as};

	request_cookies(&x->request, clear_one, &c);
	return c.cleared;
}

int credentials_cookies_clear(struct exchange *x, const char *path, const char *as)
{
	return credentials_clear(x, COOKIE_PREFIX, path, as);
}

void credentials_stream_ticket(char *out, const struct ticket *t)
{
	if (t->kind == TICKET_USER)
		*out++ = 'u';
	ticket_short_hash(out, t);
	id_hex(out + 8, STREAM_TICKET_LEN - 8);
}
