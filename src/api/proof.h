/* Proving a password, for /auth/login and for what an account asks to have it repeated for. Throttle (Redis), account (SQL), hash (chat/hashing), in this order and always all three,
 * whether or not there is such an account. */
#ifndef API_PROOF_H
#define API_PROOF_H

#include "api/guard.h"
#include "chat/throttle.h"
#include "store/accounts.h"

/* In the exchange's arena. The caller sets the first part. */
struct proof {
	struct exchange *x;
	const char *login; /* folded: the account is looked up by it; NULL: by id. "" is nobody's */
	const char *id;
	char *password;                /* a copy, wiped before anybody is answered */
	enum err refusal;              /* when it is not the password: ERR_UNAUTHENTICATED at the door, ERR_FORBIDDEN for who is in */
	void (*good)(struct proof *p); /* on a hashing thread: goes on to answer, and wipes the password. p->account is filled in */

	struct account account;
	bool found;
	struct throttle throttle;
};

/* Answers, or calls good. The exchange is its from here on. */
void proof_begin(struct proof *p);

/* Wipes the password, there and in the request's body. Before answering: then both are gone. */
void proof_wipe(struct proof *p);

/* A text of the body, copied to the arena; as body_text. */
char *proof_copy(struct exchange *x, const char *text);

#endif
