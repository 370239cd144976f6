/* Random ids and small hashes. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/id.h"

/* Random bytes fetched ahead: one system call serves some forty cursors. A forked child must not repeat its parent's. */
struct pool {
	unsigned char bytes[256]; /* getrandom never gives fewer, and is not interrupted, up to this size: getrandom(2) */
	size_t left;
	unsigned generation;
};

static _Thread_local struct pool pool;
static atomic_uint generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forked(void)
{
	atomic_fetch_add(&generation, 1);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forked);
}

static void refill(void)
{
	pthread_once(&once, watch_forks);
	while (getrandom(pool.bytes, sizeof pool.bytes, 0) != (ssize_t)sizeof pool.bytes)
		if (errno != EINTR) {
			fputs("no random numbers\n", stderr);
			abort();
		}
	pool.left = sizeof pool.bytes;
	pool.generation = atomic_load(&generation);
}

void id_random(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		size_t take;
		if (pool.left == 0 || pool.generation != atomic_load_explicit(&generation, memory_order_relaxed))
			refill();
		take = n < pool.left ? n : pool.left;
		pool.left -= take;
		memcpy(p, pool.bytes + pool.left, take);
		explicit_bzero(pool.bytes + pool.left, take); /* what was handed out is nobody else's to find */
		p += take;
		n -= take;
	}
}

static bool id_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool id_valid(const char *s, size_t len)
{
	if (len < 1 || len > ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!id_char((unsigned char)s[i]))
			return false;
	return true;
}

void id_hex(char *out, size_t hex_len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < hex_len; i += 2) {
		unsigned char byte;
		id_random(&byte, 1);
		out[i] = digits[byte >> 4];
		if (i + 1 < hex_len)
			out[i + 1] = digits[byte & 15];
	}
	out[hex_len] = '\0';
}

void id_new(char *out, const char *prefix)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(prefix);

	memcpy(out, prefix, len);
	for (size_t end = len + 22; len < end;) {
		unsigned char byte;
		id_random(&byte, 1);
		if (byte < 4 * 62) /* the rest would favour the first digits */
			out[len++] = digits[byte % 62];
	}
	out[len] = '\0';
}

uint64_t id_fnv(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3;
	return hash;
}

void id_short_hash(char out[9], const char *id)
{
	uint64_t hash = id_fnv(id, strlen(id));

	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd; /* FNV alone stirs its high bits too little */
	snprintf(out, 9, "%08x", (unsigned)(hash >> 32));
}
