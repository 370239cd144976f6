/* JSON Web Tokens, HS256 only (what we sign for Google is RS256): the single place that knows libjwt (1.10.2 checks neither exp nor an empty key nor the algorithm,
 * research: so all of that is checked here). Verifies form, signature and times; what the claims mean is the caller's business.
 * Any thread; CPU only. */
#ifndef BASE_JWT_H
#define BASE_JWT_H

#include <jansson.h>
#include <stdint.h>
#include "base/err.h"

#define JWT_MAX_BYTES 4096
#define JWT_MAX_AHEAD_S (25 * 3600) /* design §6: exp at most 25 h ahead */
#define JWT_SKEW_S 60               /* allowed on nbf and iat, never on exp */

struct jwt_keys; /* the secrets of ROOM_JWT_SECRET; immutable after loading */

/* spec: one secret, or "kid=secret,kid=secret" (the first signs). OK, or ERR_BAD_REQUEST with a static reason in *why: an empty or
 * short secret (under 16 bytes), a kid twice. The caller frees with jwt_keys_free. */
enum err jwt_keys_load(struct jwt_keys **out, const char *spec, const char **why) MUST_CHECK;
void jwt_keys_free(struct jwt_keys *keys);

/* Verified tokens are not remembered from here on: for programs that see each but once. Before threads start. */
void jwt_keys_forgetful(struct jwt_keys *keys);

/* Verifies token (three base64url parts, canonical, no padding; header alg HS256, no crit, typ absent or JWT; no duplicate members;
 * exp an integer in seconds, in the future, at most 25 h ahead; nbf and iat, if there, integers and past; kid, if there, one of ours).
 * OK: *claims_out is the payload object, to be json_decref'd, and only read: verified tokens are kept for their next time (jwtcache). ERR_UNAUTHENTICATED or ERR_TICKET_EXPIRED otherwise, *claims_out untouched;
 * *why (may be NULL) a static sentence safe to show to the client (e.g. exp in milliseconds). */
enum err jwt_verify(json_t **claims_out, const struct jwt_keys *keys, const char *token, size_t len, const char **why) MUST_CHECK;

/* Signs claims with the first secret (kid in the header when it has one). The caller frees. NULL only when out of memory. */
char *jwt_sign(const struct jwt_keys *keys, const json_t *claims);

/* Signs claims with an RSA private key (PEM) for somebody else to verify; kid (may be NULL) goes into the header. The caller frees. NULL when the
 * key is none. */
char *jwt_sign_rs256(const json_t *claims, const char *pem, size_t len, const char *kid);

#endif
