/* Accounts made here (sql/0006): a login, a password's hash, and the person that they are. May block.
 *
 * Logins are compared folded: what people type is turned to lower case (ASCII), and only ^[a-z0-9._@+-]{3,64}$ is one. So no two look alike. */
#ifndef STORE_ACCOUNTS_H
#define STORE_ACCOUNTS_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

#define ACCOUNT_LOGIN_MAX 64

struct account {
	const char *id, *login, *password; /* in the arena; password: as base/password.h writes it */
	const char *name;
	int64_t created_at;
};

/* Folds what was typed; false when that is no login. */
bool accounts_fold(char out[ACCOUNT_LOGIN_MAX + 1], const char *typed);

/* Makes the account and the person, unless the login is taken: then nothing changes, and it takes as long, for nobody is to learn of it. id is that of the new account. */
enum err accounts_make(struct db *d, const char *id, const char *login, const char *password, const char *name, int64_t now) MUST_CHECK;

/* By its login, folded, or by its id. ERR_NOT_FOUND. */
enum err accounts_by_login(struct db *d, struct arena *a, const char *login, struct account *out) MUST_CHECK;
enum err accounts_by_id(struct db *d, struct arena *a, const char *id, struct account *out) MUST_CHECK;

/* Another password, if the hash is still was (somebody else may have changed it meanwhile: ERR_CONFLICT). */
enum err accounts_password(struct db *d, const char *id, const char *was, const char *password) MUST_CHECK;

/* The account goes; the person keeps its id, for what it wrote, and loses its name. */
enum err accounts_delete(struct db *d, const char *id) MUST_CHECK;

#endif
