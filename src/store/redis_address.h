/* The address of a Redis, taken apart. For store/redis.c. */
#ifndef STORE_REDIS_ADDRESS_H
#define STORE_REDIS_ADDRESS_H

#include <stdbool.h>

struct redis_address {
	char path[108]; /* unix socket; "" for TCP */
	char host[256];
	int port;
	char user[128], password[256], database[8]; /* "" = none */
};

/* "unix:/path" or "redis://[user:password@]host[:port][/db]"; false when it is neither. */
bool redis_address_parse(struct redis_address *out, const char *text);

#endif
