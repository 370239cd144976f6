/* Any bytes as a ticket. A verified one must have been signed by us: whoever gets in without the secret has found a hole.
 * The same bytes then are the payload of a token signed here, so that the parsing behind the signature is reached too. */
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jwt.h"

#define SECRET "a secret that no fuzzer can guess, as it is long"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct jwt_keys *keys;

static size_t sign(char *token, size_t size, const char *header, const uint8_t *payload, size_t len)
{
	unsigned char mac[32];
	crypto_auth_hmacsha256_state s;
	size_t n;

	sodium_bin2base64(token, size, (const unsigned char *)header, strlen(header), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	n = strlen(token);
	token[n++] = '.';
	sodium_bin2base64(token + n, size - n, payload, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	n += strlen(token + n);
	crypto_auth_hmacsha256_init(&s, (const unsigned char *)SECRET, strlen(SECRET));
	crypto_auth_hmacsha256_update(&s, (const unsigned char *)token, n);
	crypto_auth_hmacsha256_final(&s, mac);
	token[n++] = '.';
	sodium_bin2base64(token + n, size - n, mac, sizeof mac, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return n + strlen(token + n);
}

static int verify(const char *token, size_t len)
{
	json_t *claims = NULL;
	const char *why = NULL;
	enum err e = jwt_verify(&claims, keys, token, len, &why);

	if ((e == OK) != (claims != NULL) || (e != OK && !why) || (e != OK && e != ERR_UNAUTHENTICATED && e != ERR_TICKET_EXPIRED))
		abort();
	if (e == OK && !json_is_integer(json_object_get(claims, "exp")))
		abort();
	json_decref(claims);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char token[16384];
	const char *why;

	if (!keys && jwt_keys_load(&keys, SECRET, &why) != OK)
		abort();
	if (verify((const char *)data, len) == OK)
		abort();
	if (len < 5000)
		verify(token, sign(token, sizeof token, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", data, len));
	return 0;
}
