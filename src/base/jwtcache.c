/* A hash table of fixed size, two places per hash (a newcomer takes the one that expires first), a mutex per region. Expired entries go when
 * met, and a sweep that each call moves on by one row finds those that nobody asks for again. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/jwtcache.h"
#include "base/sip.h"

#define ROWS 4096 /* a power of two; with WAYS entries of about 1.5 KB: 12 MB when full */
#define WAYS 2
#define REGIONS 16 /* mutexes; neighbouring rows have different ones */

struct entry {
	char *token; /* NULL: free */
	size_t len;
	json_t *claims;
	struct jwt_times times;
};

struct jwtcache {
	struct sip_key key;
	pthread_mutex_t lock[REGIONS];
	atomic_uint swept;
	struct entry entry[ROWS][WAYS];
};

struct jwtcache *jwtcache_new(void)
{
	struct jwtcache *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	id_random(&c->key, sizeof c->key);
	for (int i = 0; i < REGIONS; i++)
		pthread_mutex_init(&c->lock[i], NULL);
	return c;
}

static void clear(struct entry *e)
{
	free(e->token);
	json_decref(e->claims);
	*e = (struct entry){0};
}

void jwtcache_free(struct jwtcache *c)
{
	if (!c)
		return;
	for (int row = 0; row < ROWS; row++)
		for (int way = 0; way < WAYS; way++)
			clear(&c->entry[row][way]);
	for (int i = 0; i < REGIONS; i++)
		pthread_mutex_destroy(&c->lock[i]);
	free(c);
}

static unsigned row_of(const struct jwtcache *c, const char *token, size_t len)
{
	return (unsigned)sip_hash(&c->key, token, len) % ROWS;
}

static struct entry *find(struct jwtcache *c, unsigned row, const char *token, size_t len)
{
	for (int way = 0; way < WAYS; way++) {
		struct entry *e = &c->entry[row][way];
		if (e->token && e->len == len && memcmp(e->token, token, len) == 0)
			return e;
	}
	return NULL;
}

/* Looks after one row, whichever is next. */
static void sweep(struct jwtcache *c)
{
	unsigned row = atomic_fetch_add_explicit(&c->swept, 1, memory_order_relaxed) % ROWS;
	int64_t now_ms = clock_now_ms();

	if (pthread_mutex_trylock(&c->lock[row % REGIONS]) != 0)
		return;
	for (int way = 0; way < WAYS; way++) {
		struct entry *e = &c->entry[row][way];
		if (e->token && e->times.exp_s * 1000 <= now_ms)
			clear(e);
	}
	pthread_mutex_unlock(&c->lock[row % REGIONS]);
}

bool jwtcache_get(struct jwtcache *c, const char *token, size_t len, json_t **claims, struct jwt_times *times)
{
	unsigned row = row_of(c, token, len);
	struct entry *e;

	sweep(c);
	pthread_mutex_lock(&c->lock[row % REGIONS]);
	e = find(c, row, token, len);
	if (e) {
		*claims = json_incref(e->claims);
		*times = e->times;
	}
	pthread_mutex_unlock(&c->lock[row % REGIONS]);
	return e != NULL;
}

void jwtcache_put(struct jwtcache *c, const char *token, size_t len, json_t *claims, const struct jwt_times *times)
{
	unsigned row = row_of(c, token, len);
	struct entry *e, fresh = {.token = malloc(len), .len = len, .times = *times};

	if (!fresh.token)
		return;
	memcpy(fresh.token, token, len);
	pthread_mutex_lock(&c->lock[row % REGIONS]);
	e = find(c, row, token, len);
	if (!e) {
		e = &c->entry[row][0];
		for (int way = 1; way < WAYS; way++) /* a free place has exp_s 0 and so comes first */
			if (c->entry[row][way].times.exp_s < e->times.exp_s)
				e = &c->entry[row][way];
	}
	clear(e);
	fresh.claims = json_incref(claims);
	*e = fresh;
	pthread_mutex_unlock(&c->lock[row % REGIONS]);
}

void jwtcache_drop(struct jwtcache *c, const char *token, size_t len)
{
	unsigned row = row_of(c, token, len);
	struct entry *e;

	pthread_mutex_lock(&c->lock[row % REGIONS]);
	e = find(c, row, token, len);
	if (e)
		clear(e);
	pthread_mutex_unlock(&c->lock[row % REGIONS]);
}
