/* A pool of keep-alive HTTP/1.1 connections that send requests and hand back the replies. A request is known by a
 * number, its tag; its bytes are asked for when they are sent, so a request lost with its connection (the server may
 * close an idle one at any time) is simply built and sent again. Those repeats are counted. */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct peer; /* one connection */

struct reply {
	int status;
	const char *body; /* borrowed until the callback returns; not terminated */
	size_t len;
};

struct pool {
	const struct sockaddr_in *addr;
	/* Bytes of the request, valid until the next call; *len says how many. */
	const char *(*build)(struct pool *pool, uint32_t tag, size_t *len);
	/* A reply came. The connection is idle again: pool_send may be called from here. status 0: given up. */
	void (*replied)(struct pool *pool, uint32_t tag, const struct reply *reply);
	void *ctx;

	struct peer *peers;
	struct peer **idle; /* a stack: the connection used last is used next */
	size_t n, idle_n;
	uint64_t repeats, connects;
};

/* The members above the gap are the caller's to set first. */
void pool_init(struct pool *pool, size_t connections);
void pool_done(struct pool *pool);

/* false when every connection is busy. */
bool pool_send(struct pool *pool, uint32_t tag);

/* The first number that stands after name in the text, e.g. after "\"id\":"; 0 when it isn't there. */
uint64_t number_after(const char *text, size_t len, const char *name);
#endif
