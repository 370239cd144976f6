/* The logins of accounts (sql/0006), by the hash of their cookie's value. May block. What Redis remembers of them: chat/login.h. */
#ifndef STORE_LOGINS_H
#define STORE_LOGINS_H

#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

#define LOGIN_LIFE_MS (30 * 86400000LL) /* without being used */
#define LOGIN_MOVE_MS 86400000          /* how exactly its use is noted */

/* A new one. A person holds LOGINS_MOST at most: the least recently made go, and are in ids (in the arena, with room for one more), count of them. */
#define LOGINS_MOST 100
enum err logins_add(
	struct db *d, struct arena *a, const char *id, const char *person, int64_t now, const char ***ids, int *count) MUST_CHECK;

/* Whose it is, and until when. ERR_UNAUTHENTICATED: it does not stand (any more). Being used, it lasts longer. */
enum err logins_get(struct db *d, const char *id, int64_t now, char person[ID_MAX + 1], int64_t *expires_at) MUST_CHECK;

/* It stands no more. No such login: OK. */
enum err logins_revoke(struct db *d, const char *id, int64_t now) MUST_CHECK;

/* All of the person's but one ("" none spared); those revoked are in ids (in the arena), count of them. */
enum err logins_revoke_all(
	struct db *d, struct arena *a, const char *person, const char *but, int64_t now, const char ***ids, int *count) MUST_CHECK;

/* Those revoked since then, after the id from ("" from the first): at most most, in the order of their ids. */
enum err logins_revoked(struct db *d, struct arena *a, int64_t since, const char *from, int most, const char ***ids, int *count) MUST_CHECK;

/* Deletes what expired before now or was revoked before revoked_before; at most most of them. */
enum err logins_prune(struct db *d, int64_t now, int64_t revoked_before, int most, int64_t *pruned) MUST_CHECK;

#endif
