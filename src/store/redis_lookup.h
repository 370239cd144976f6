/* The address of a host's name, asked for on a thread of its own: resolvers may take their time, and whoever connects must not wait. Internal to store/redis*. */
#ifndef STORE_REDIS_LOOKUP_H
#define STORE_REDIS_LOOKUP_H

#include <stdbool.h>

enum { LOOKUP_ADDRESS = 64 };

struct lookup;

bool lookup_needed(const char *host); /* false: it is an address already */
struct lookup *lookup_begin(const char *host);
/* True when it is over: address is it, IPv4 before IPv6, or "" when there is none. May be asked again and again. */
bool lookup_done(const struct lookup *l, char address[LOOKUP_ADDRESS]);
void lookup_free(struct lookup *l); /* takes NULL; at any time */

#endif
