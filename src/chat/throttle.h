/* How often somebody may try: wrong passwords for one account or from one address, passwords at all for one account, new accounts from one address. Windows that begin with the first try, counted in Redis
 * under keyed hashes, which go with the window: no address and no login is kept. Without Redis nobody may: ERR_STORE_UNAVAILABLE. */
#ifndef CHAT_THROTTLE_H
#define CHAT_THROTTLE_H

#include "store/redis.h"

#define THROTTLE_KEY_LEN 33

struct throttle {
	enum throttle_kind { THROTTLE_PASSWORD, THROTTLE_REGISTRATION } kind;
	char account[THROTTLE_KEY_LEN]; /* "" for registrations, as all */
	char all[THROTTLE_KEY_LEN];     /* the account's tries, right ones too */
	char address[THROTTLE_KEY_LEN];
};

/* account: its login or id (NULL none); address: where the request comes from, as http/request.h has it (an IPv6 address counts with its whole /64). CPU only. */
void throttle_init(struct throttle *t, enum throttle_kind kind, const char *account, const char *address);

/* One more try, counted as failed right away, so that many at once don't slip through. OK, ERR_RATE_LIMITED with the seconds to wait, ERR_STORE_UNAVAILABLE. done where r's
 * replies come. t may go at once. */
typedef void throttle_done(void *ctx, enum err e, int retry_after_s);
void throttle_take(struct redis *r, const struct throttle *t, throttle_done *done, void *ctx);

/* The try was good: the account's count of wrong ones begins anew, the address gets that one back. */
void throttle_give_back(struct redis *r, const struct throttle *t);

#endif
