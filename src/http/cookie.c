/* See cookie.h. Called through chat/credentials. */
#include <stdio.h>

#include "http/cookie.h"
#include "http/origin.h"

#define COOKIE_MAX_BYTES 4608 /* a ticket of the largest size, its name and the attributes */

static void add(
	struct exchange *x, const char *name, const char *value, size_t value_len, const char *path, const char *same_site, const char *more)
{
	const struct request *r = &x->request;
	bool foreign = r->origin && !origin_same(r) && origin_listed(r);
	struct buf line;

	buf_init(&line, COOKIE_MAX_BYTES);
	buf_str(&line, name);
	buf_char(&line, '=');
	buf_add(&line, value, value_len);
	BUF_LIT(&line, "; Path=");
	buf_str(&line, path);
	buf_str(&line, more);
	BUF_LIT(&line, "; HttpOnly; SameSite=");
	buf_str(&line, foreign ? "None" : same_site);
	if (foreign || r->https)
		BUF_LIT(&line, "; Secure");
	if (buf_ok(&line))
		exchange_header(x, "Set-Cookie", line.data);
	buf_done(&line);
}

void cookie_set(struct exchange *x, const char *name, const char *value, size_t value_len, const char *path)
{
	add(x, name, value, value_len, path, "Strict", "");
}

void cookie_set_lasting(struct exchange *x, const char *name, const char *value, size_t value_len, const char *path, long max_age_s)
{
	char age[40];

	snprintf(age, sizeof age, "; Max-Age=%ld", max_age_s);
	add(x, name, value, value_len, path, "Lax", age);
}

void cookie_clear(struct exchange *x, const char *name, const char *path)
{
	add(x, name, "", 0, path, "Strict", "; Max-Age=0");
}
