/* HMAC-SHA256 and base64: see mac.h. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mac.h"

void mac_sha256(unsigned char out[MAC_BYTES], const void *key, size_t key_len, const void *bytes, size_t len)
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, bytes, len);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

void mac_sha256_hex(char out[2 * MAC_BYTES + 1], const void *bytes, size_t len)
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, bytes, len);
	sodium_bin2hex(out, 2 * MAC_BYTES + 1, sum, sizeof sum);
}

void mac_blake2b_hex(char out[2 * MAC_BYTES + 1], const char *key, const void *bytes, size_t len)
{
	unsigned char sum[MAC_BYTES], folded[MAC_BYTES];

	/* Keys of BLAKE2b are 64 bytes at most. */
	crypto_generichash(folded, sizeof folded, (const unsigned char *)key, strlen(key), NULL, 0);
	crypto_generichash(sum, sizeof sum, bytes, len, folded, sizeof folded);
	sodium_bin2hex(out, 2 * MAC_BYTES + 1, sum, sizeof sum);
}

void mac_base64(struct buf *out, const void *bytes, size_t len)
{
	size_t room = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);

	if (!text)
		abort();
	sodium_bin2base64(text, room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
	buf_str(out, text);
	sodium_memzero(text, room);
	free(text);
}

long mac_unbase64(void *out, size_t max, const char *text, size_t len)
{
	static const int variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING};
	size_t n;

	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
		const char *end = NULL;
		if (sodium_base642bin(out, max, text, len, NULL, &n, &end, variants[i]) == 0 && end == text + len)
			return (long)n;
	}
	return -1;
}
