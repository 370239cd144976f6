/* A reader: one participant's SSE stream, held open and checked as it goes. Every event that carries a cursor must
 * have the position after the one before it; every message must be one that was sent into this reader's session.
 * Understands the chunked coding lighttpd puts around a stream. Whatever goes wrong is counted in readers.failed, with
 * the first few told on stderr. */
#ifndef BENCH_READER_H
#define BENCH_READER_H
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

/* What all readers of a scenario share. */
struct readers {
	const struct sockaddr_in *addr;
	/* A message with our number in it has arrived. */
	void (*message)(struct readers *all, uint32_t session, uint32_t seq);
	void *ctx;
	struct reader *at;
	size_t n;

	size_t ready, failed, told;
	uint64_t messages, other_events, comments;
};

enum reader_state { READER_NEW, READER_HEAD, READER_OPEN, READER_FAILED };

struct reader {
	struct loop_item item;
	struct readers *all;
	const char *ticket; /* borrowed */
	const char *conv;   /* borrowed: the session's id */
	uint32_t session;   /* its number */
	uint8_t state;
	bool chunked, is_ready;
	uint32_t carry_len;
	char *carry;            /* the beginning of what the next read completes */
	uint64_t position;      /* of the last cursor seen */
	uint64_t messages, sum; /* how many messages came, and the sum of their numbers */
};

/* n readers; the caller then fills ticket, conv and session of each. */
void readers_init(struct readers *all, size_t n);
void readers_done(struct readers *all);

/* Connects one; it counts itself in all->ready or all->failed later. */
void reader_open(struct reader *r);
#endif
