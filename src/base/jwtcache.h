/* Tickets that this process has verified already: a participant sends the same one with every request. Only base/jwt uses it, and looks at
 * the times again on every hit. Bounded; keyed by the whole token (nothing shorter could be forged into a hit). Any thread; never blocks long. */
#ifndef BASE_JWTCACHE_H
#define BASE_JWTCACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jwt_times {
	int64_t exp_s;  /* valid before */
	int64_t from_s; /* the later of nbf and iat; 0 = neither */
};

struct jwtcache;

struct jwtcache *jwtcache_new(void); /* NULL when out of memory */
void jwtcache_free(struct jwtcache *c);

/* True when the token is there: *claims is to be json_decref'd and only read (other threads hold it too). */
bool jwtcache_get(struct jwtcache *c, const char *token, size_t len, json_t **claims, struct jwt_times *times);
/* Keeps a token and a reference to its claims, in the place of another when need be. May do nothing. */
void jwtcache_put(struct jwtcache *c, const char *token, size_t len, json_t *claims, const struct jwt_times *times);
void jwtcache_drop(struct jwtcache *c, const char *token, size_t len);

#endif
