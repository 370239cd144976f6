/* Set-Cookie lines: HttpOnly, no lifetime (they go when the browser does, no disk keeps them), SameSite=Strict for our own pages and
 * None for a listed foreign origin (browsers take that with Secure only, which they also allow on http://localhost); Secure on HTTPS. */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "http/exchange.h"

/* Adds the header that sets name=value for path and what is below it. All are ours or checked: no ';', CR or LF. */
void cookie_set(struct exchange *x, const char *name, const char *value, size_t value_len, const char *path);
void cookie_clear(struct exchange *x, const char *name, const char *path);

#endif
