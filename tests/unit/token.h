/* Tickets for tests, signed with libsodium so that nothing depends on the library under test, and a clock that stands still. */
#ifndef UNIT_TOKEN_H
#define UNIT_TOKEN_H

#include <sodium.h>

#include "unit.h"
#include "base/clock.h"
#include "base/jwt.h"

#define SECRET "a secret of thirty-two bytes ok!"
#define OTHER "another secret; also long enough"
#define NOW INT64_C(1700000000) /* seconds, by the wrapped clock */
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static int64_t now_ms = NOW * 1000;

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

static inline size_t base64url(char *out, const void *bytes, size_t len)
{
	/* exactly what it takes: the rest up to the given size would be zeroed */
	sodium_bin2base64(out, sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING), bytes, len,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return strlen(out);
}

/* A token over any bytes. Static: one at a time. */
static inline char *token_of(const char *header, size_t header_len, const char *payload, size_t payload_len, const char *secret)
{
	static char token[32768];
	unsigned char mac[32];
	crypto_auth_hmacsha256_state s;
	size_t n = base64url(token, header, header_len);

	token[n++] = '.';
	n += base64url(token + n, payload, payload_len);
	crypto_auth_hmacsha256_init(&s, (const unsigned char *)secret, strlen(secret));
	crypto_auth_hmacsha256_update(&s, (const unsigned char *)token, n);
	crypto_auth_hmacsha256_final(&s, mac);
	token[n++] = '.';
	base64url(token + n, mac, sizeof mac);
	return token;
}

static inline char *token(const char *header, const char *payload)
{
	return token_of(header, strlen(header), payload, strlen(payload), SECRET);
}

/* A payload whose exp is an hour ahead, and whatever else. */
static inline char *claims(const char *more)
{
	static char text[8192];

	snprintf(text, sizeof text, "{\"iss\":\"mainserver\",\"exp\":%lld%s}", (long long)NOW + 3600, more);
	return text;
}

static inline struct jwt_keys *keys_of(const char *spec)
{
	struct jwt_keys *keys = NULL;
	const char *why = NULL;

	if (jwt_keys_load(&keys, spec, &why) != OK)
		fail_msg("%s", why);
	return keys;
}

static inline enum err verify(const struct jwt_keys *keys, const char *text, size_t len, const char **why)
{
	json_t *out = NULL;
	enum err e = jwt_verify(&out, keys, text, len, why);

	if ((e == OK) != (out != NULL))
		fail_msg("%s: claims do not fit the answer", text);
	json_decref(out);
	return e;
}

static inline void expect_(const char *spec, const char *text, enum err want, const char *what)
{
	struct jwt_keys *keys = keys_of(spec);
	const char *why = NULL;

	for (int round = 0; round < 2; round++) { /* the second may come from the cache */
		enum err e = verify(keys, text, strlen(text), &why);
		if (e != want)
			fail_msg("%s: %s instead of %s (%s)", what, err_row(e)->code, err_row(want)->code, why ? why : "");
	}
	if (want != OK)
		assert_non_null(why);
	jwt_keys_free(keys);
}

#endif
