/* A request as the handlers see it: everything the FastCGI parameters say, copied into the exchange's arena, plus the body.
 * Filled by http/exchange; strings are NUL-terminated and live as long as the exchange. A header that is absent is NULL. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER };

#define REQUEST_MAX_BODY (64 * 1024) /* research/apis.md §4: above this lighttpd spools to disk */
#define REQUEST_MAX_PARAMS 4         /* ids in a path */

struct request {
	struct arena *arena;
	enum method method;
	const char *path;  /* decoded, without the query: what routes are matched on */
	const char *query; /* raw, never NULL, "" when there is none */
	const char *authorization;
	const char *cookie;
	const char *origin;
	const char *sec_fetch_site;
	const char *host;
	const char *content_type;
	const char *content_encoding;
	const char *last_event_id;
	const char *access_method; /* Access-Control-Request-Method */
	const char *remote_addr;   /* the client: REMOTE_ADDR, or what a trusted proxy says; for limits only, never stored or logged */
	bool https;
	bool malformed;   /* a header that must be single came twice, or the like: answer 400 */
	char id[17];      /* X-Request-Id: 16 hex digits, always ours */
	const char *body; /* body_len bytes, NUL-terminated; "" when there is none */
	size_t body_len;
	int64_t content_length;                 /* as lighttpd has checked it; -1: none */
	bool body_unbuffered;                   /* lighttpd hands it on as it comes, however slowly (lighttpd.conf, ROOM_BODY) */
	bool body_coming;                       /* left on the connection: exchange_body reads it */
	bool too_large;                         /* the body exceeded REQUEST_MAX_BODY: answer 413 */
	const char *params[REQUEST_MAX_PARAMS]; /* set by the router: the {…} parts in order */
};

/* Fills r from FastCGI parameters ("NAME=value", closed by NULL); r is zeroed but for arena. Everything is copied. */
void request_read(struct request *r, char *const params[]);

/* The decoded value of a query parameter: OK and *out (in the arena; NULL when absent), ERR_BAD_REQUEST when it is there twice or its
 * percent-encoding or UTF-8 is broken. */
enum err request_query(const struct request *r, const char *name, const char **out) MUST_CHECK;

/* The same for a whole number within [least, most]; fallback when absent. */
enum err request_query_int(const struct request *r, const char *name, long least, long most, long fallback, long *out) MUST_CHECK;

/* True when some value in the query is a JSON Web Token: those are refused (query strings end up in logs and histories). */
bool request_query_has_jwt(const struct request *r);

/* Calls fn for each cookie pair (not NUL-terminated); stops when fn returns false. */
void request_cookies(
	const struct request *r, bool (*fn)(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len), void *ctx);

#endif
