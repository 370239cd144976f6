/* See redis_lookup.h. */
#include "store/redis_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

struct lookup {
	atomic_int holders; /* who began it, and its thread */
	atomic_bool done;
	char address[LOOKUP_ADDRESS];
	char host[]; /* NUL-terminated */
};

bool lookup_needed(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) != 1 && inet_pton(AF_INET6, host, &any) != 1;
}

static void let_go(struct lookup *l)
{
	if (atomic_fetch_sub(&l->holders, 1) == 1)
		free(l);
}

static void *look(void *ctx)
{
	struct lookup *l = ctx;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	const struct addrinfo *best = NULL;

	if (getaddrinfo(l->host, NULL, &hints, &all) == 0) {
		for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
			if (best == NULL || (a->ai_family == AF_INET && best->ai_family != AF_INET))
				best = a;
		if (best == NULL || getnameinfo(best->ai_addr, best->ai_addrlen, l->address, sizeof l->address, NULL, 0, NI_NUMERICHOST) != 0)
			l->address[0] = '\0';
		freeaddrinfo(all);
	}
	atomic_store(&l->done, true);
	let_go(l);
	return NULL;
}

struct lookup *lookup_begin(const char *host)
{
	size_t len = strlen(host);
	struct lookup *l = calloc(1, sizeof *l + len + 1);
	pthread_t thread;

	if (l == NULL)
		abort();
	memcpy(l->host, host, len + 1);
	atomic_init(&l->holders, 2);
	if (thread_start(&thread, look, l) == 0) {
		pthread_detach(thread);
		return l;
	}
	atomic_store(&l->holders, 1);
	atomic_store(&l->done, true); /* as if there were no address: it is tried again */
	return l;
}

bool lookup_done(const struct lookup *l, char address[LOOKUP_ADDRESS])
{
	if (!atomic_load(&l->done))
		return false;
	strcpy(address, l->address);
	return true;
}

void lookup_free(struct lookup *l)
{
	if (l != NULL)
		let_go(l);
}
