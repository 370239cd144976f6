/* See router.h. Used by both programs in cgi-bin. */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "http/origin.h"
#include "http/router.h"

#define PREFLIGHT_MAX_AGE "600"

static const char *const method_names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* True when path has the pattern's form; then the places and lengths of the {…} parts stand in at and len. */
static bool matches(
	const char *pattern, const char *path, const char *at[REQUEST_MAX_PARAMS], size_t len[REQUEST_MAX_PARAMS], size_t *count)
{
	size_t n = 0;

	for (;;) {
		size_t same = 0;
		while (pattern[same] && pattern[same] != '{' && pattern[same] == path[same])
			same++;
		pattern += same;
		path += same;
		if (*pattern != '{') {
			*count = n;
			return !*pattern && !*path;
		}
		if (n == REQUEST_MAX_PARAMS)
			return false;
		at[n] = path;
		len[n] = strcspn(path, "/");
		if (!id_valid(path, len[n]))
			return false;
		path += len[n++];
		pattern += strcspn(pattern, "}") + 1;
	}
}

static bool method_fits(enum method wanted, enum method asked)
{
	return wanted == asked || (wanted == METHOD_GET && asked == METHOD_HEAD);
}

/* "GET, HEAD, POST, OPTIONS" from a set of methods. */
static const char *methods_list(struct arena *a, unsigned set)
{
	char text[80];
	size_t n = 0;

	for (int m = METHOD_GET; m < METHOD_OTHER; m++)
		if (set & 1U << m)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", method_names[m]);
	return arena_strndup(a, text, n);
}

/* The row for path and method, NULL when none; *methods: all that the path knows. */
static const struct route *find(const struct route *rows, size_t n, struct request *r, unsigned *methods)
{
	const char *at[REQUEST_MAX_PARAMS];
	size_t len[REQUEST_MAX_PARAMS], count;

	*methods = 0;
	for (size_t i = 0; i < n; i++) {
		if (!matches(rows[i].pattern, r->path, at, len, &count))
			continue;
		*methods |= 1U << rows[i].method | (rows[i].method == METHOD_GET ? 1U << METHOD_HEAD : 0) | 1U << METHOD_OPTIONS;
		if (!method_fits(rows[i].method, r->method))
			continue;
		for (size_t k = 0; k < count; k++)
			r->params[k] = arena_strndup(r->arena, at[k], len[k]);
		return &rows[i];
	}
	return NULL;
}

const struct route *router_find(const struct route *rows, size_t n, struct exchange *x, const char **allow_out)
{
	unsigned methods;
	const struct route *route = find(rows, n, &x->request, &methods);

	*allow_out = methods ? methods_list(&x->arena, methods) : "";
	return route;
}

/* OPTIONS: a browser asks before it sends what a form could not; or somebody asks what there is. */
static void answer_options(struct exchange *x, const struct route *rows, size_t n, bool listed)
{
	const struct request *r = &x->request;
	unsigned methods;

	if (find(rows, n, &x->request, &methods) == NULL && !methods) {
		exchange_error(x, ERR_NOT_FOUND, NULL, 0);
		return;
	}
	exchange_header(x, "Allow", methods_list(&x->arena, methods));
	if (r->access_method) {
		if (!listed && !origin_same(r)) {
			exchange_error(x, ERR_FORBIDDEN, "This origin is not among ROOM_ORIGINS.", 0);
			return;
		}
		exchange_header(x, "Access-Control-Allow-Methods", methods_list(&x->arena, methods & ~(1U << METHOD_OPTIONS)));
		exchange_header(x, "Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
		exchange_header(x, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE);
	}
	exchange_empty(x, 204);
}

bool router_gate(struct exchange *x, const struct route *rows, size_t n)
{
	const struct request *r = &x->request;
	bool listed = origin_listed(r);

	if (listed) {
		exchange_header(x, "Access-Control-Allow-Origin", r->origin);
		exchange_header(x, "Access-Control-Allow-Credentials", "true");
		exchange_header(x, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
	}
	if (r->malformed)
		exchange_error(x, ERR_BAD_REQUEST, "A header is there twice, folded, or holds control characters.", 0);
	else if (r->too_large)
		exchange_error(x, ERR_TOO_LARGE, NULL, 0);
	else if (r->method == METHOD_OPTIONS)
		answer_options(x, rows, n, listed);
	else
		return false;
	return true;
}

void router_run(const struct route *rows, size_t n, struct exchange *x, void (*guarded)(struct exchange *x, const struct route *route))
{
	unsigned methods;
	const struct route *route;

	if (router_gate(x, rows, n))
		return;
	route = find(rows, n, &x->request, &methods);
	if (route && guarded) {
		guarded(x, route);
	} else if (route) {
		route->handle(x);
	} else if (methods) {
		exchange_header(x, "Allow", methods_list(&x->arena, methods));
		exchange_error(x, ERR_METHOD_NOT_ALLOWED, NULL, 0);
	} else {
		exchange_error(x, ERR_NOT_FOUND, NULL, 0);
	}
}
