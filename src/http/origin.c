/* See origin.h. Used by http/router for CORS, http/cookie, and chat/credentials against forged requests. */
#include <string.h>

#include "base/config.h"
#include "http/origin.h"

bool origin_same(const struct request *r)
{
	const char *scheme = r->https ? "https://" : "http://";

	if (!r->origin)
		return false;
	if (r->host && *r->host && strncmp(r->origin, scheme, strlen(scheme)) == 0 && strcasecmp(r->origin + strlen(scheme), r->host) == 0)
		return true;
	return strcmp(r->origin, config_public_url()) == 0;
}

bool origin_listed(const struct request *r)
{
	/* "null" is what sandboxed and local documents send: nobody in particular, whatever the list says */
	return r->origin && *r->origin && strcmp(r->origin, "null") != 0 && config_lists("ROOM_ORIGINS", r->origin);
}

bool origin_trusted(const struct request *r, bool writes)
{
	if (r->origin)
		return origin_same(r) || origin_listed(r);
	if (r->sec_fetch_site)
		return strcmp(r->sec_fetch_site, "same-origin") == 0 || (!writes && strcmp(r->sec_fetch_site, "none") == 0);
	return !writes;
}
