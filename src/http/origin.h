/* Where a browser says a request comes from: same origin, a listed one (ROOM_ORIGINS), or elsewhere. CPU only. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>
#include "http/request.h"

/* The Origin header is our own: scheme and host of this request, or of the public URL. */
bool origin_same(const struct request *r);

/* The Origin header is one of ROOM_ORIGINS, exactly. */
bool origin_listed(const struct request *r);

/* May what the browser sends along by itself (cookies) be believed? For reads: unless it says that it comes from elsewhere. For writes it must say where it
 * comes from, and that must be us or a listed origin. */
bool origin_trusted(const struct request *r, bool writes);

#endif
