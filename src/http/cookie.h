/* Set-Cookie lines: HttpOnly, SameSite=Strict for our own pages and None for a listed foreign origin (browsers take that with Secure only, which they also
 * allow on http://localhost); Secure on HTTPS. Without a lifetime they go when the browser does, and no disk keeps them. */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "http/exchange.h"

/* Adds the header that sets name=value for path and what is below it. All are ours or checked: no ';', CR or LF. */
void cookie_set(struct exchange *x, const char *name, const char *value, size_t value_len, const char *path);
/* The same with a lifetime, and SameSite=Lax: following a link to us from elsewhere, one is still logged in. */
void cookie_set_lasting(struct exchange *x, const char *name, const char *value, size_t value_len, const char *path, long max_age_s);
void cookie_clear(struct exchange *x, const char *name, const char *path);

#endif
