/* Whether a login of an account still stands (store/logins), as the login cookie or a token's `sid` claims it: asked of Redis, else of SQL.
 *
 * Redis remembers for LOGIN_KEPT_S who a login is ({0}:login:<id>, "person until"), so that most requests need no SQL. Logging out writes SQL first, then puts a "-" in
 * that key's place, which nothing overwrites; only then it is answered. A Redis that was away, or came back older than it was, may remember what was revoked: so what it
 * says is believed only after it was told, over the connection that we have now, of all that SQL says was revoked lately. Until then SQL is asked. */
#ifndef CHAT_LOGIN_H
#define CHAT_LOGIN_H

#include "chat/credentials.h"
#include "store/db.h"
#include "store/redis.h"

#define LOGIN_KEPT_S 300
#define LOGIN_VALUE_LEN 32 /* hex digits of the cookie's value */

struct login {
	char person[ID_MAX + 1];
	int64_t expires_at;
};

/* The id of the login whose cookie holds value. CPU only. */
void login_id(char out[TICKET_LOGIN_LEN + 1], const char *value, size_t len);

typedef void login_done(void *ctx, enum err e, const struct login *l); /* l: during the call, with OK only */

/* What Redis knows. OK; ERR_UNAUTHENTICATED: revoked; ERR_NOT_FOUND: it doesn't know, or is away: ask login_read. done where r's replies come. */
void login_look(struct redis *r, const char *id, login_done *done, void *ctx);

/* What SQL knows, and r is told (r NULL: nobody is). OK, ERR_UNAUTHENTICATED, ERR_STORE_UNAVAILABLE. Blocks: a thread that owns d. */
enum err login_read(struct db *d, struct redis *r, const char *id, struct login *out) MUST_CHECK;

/* Both, SQL by store/dbpool: done on a thread of the pool, or where r's replies come. */
void login_verify(struct redis *r, const char *id, login_done *done, void *ctx);

/* Credentials as they came are only claims as long as there is a login to look up: when this says true, credentials_settle comes first. */
bool credentials_unsettled(const struct credentials *c);

/* Looks it up (login_verify) and completes c, which stays the caller's: ticket.participant, expires_at_ms. ERR_UNAUTHENTICATED; ERR_BAD_REQUEST when it stands, but is somebody
 * else's than the other credentials; ERR_STORE_UNAVAILABLE. details as in chat/credentials.h. */
typedef void credentials_settled(void *ctx, enum err e, const char *details);
void credentials_settle(struct redis *r, struct credentials *c, credentials_settled *done, void *ctx);

/* SQL says that these were revoked: Redis is told, and hubs are (news "id v", store/lua/login_revoke.lua). done (may be NULL) once the first attempt is over; it goes on trying for
 * as long as it matters. */
void login_revoked(struct redis *r, const char *const *ids, int count, void (*done)(void *ctx), void *ctx);

#endif
