/* Passwords: what may be one, and argon2id by libsodium (the limits called INTERACTIVE: 64 MB and a few dozen milliseconds each). */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

#define PASSWORD_LEAST 8 /* bytes */
#define PASSWORD_MOST 128
#define PASSWORD_HASH_MAX 128 /* with its NUL */

/* What is wrong with it as a password for login, a static sentence for people; NULL: nothing. CPU only. */
const char *password_weak(const char *password, size_t len, const char *login);

/* out becomes what is to be stored. ERR_STORE_UNAVAILABLE: no memory for it now. Takes long: see chat/hashing.h. */
enum err password_hash(char out[PASSWORD_HASH_MAX], const char *password, size_t len) MUST_CHECK;

/* OK: it is the one. ERR_UNAUTHENTICATED: it is not; stored NULL (there is no account) never is, and takes as long. */
enum err password_check(const char *stored, const char *password, size_t len) MUST_CHECK;

#endif
