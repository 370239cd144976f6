/* See cipher.h. */
#include "base/cipher.h"

#include <sodium.h>
#include <string.h>

#define STATE(c) ((crypto_secretstream_xchacha20poly1305_state *)(void *)(c)->state)

_Static_assert(sizeof(crypto_secretstream_xchacha20poly1305_state) <= 64, "the state fits");
_Static_assert(CIPHER_MORE == crypto_secretstream_xchacha20poly1305_ABYTES, "a piece's tag");
_Static_assert(CIPHER_HEAD == crypto_secretstream_xchacha20poly1305_HEADERBYTES, "the head");

enum { KEY_BYTES = crypto_secretstream_xchacha20poly1305_KEYBYTES };

void cipher_key(char out[CIPHER_KEY_TEXT])
{
	unsigned char key[KEY_BYTES];

	crypto_secretstream_xchacha20poly1305_keygen(key);
	sodium_bin2base64(out, CIPHER_KEY_TEXT, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof key);
}

static bool read_key(unsigned char key[KEY_BYTES], const char *text)
{
	size_t n = 0;

	return sodium_base642bin(key, KEY_BYTES, text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 && n == KEY_BYTES;
}

bool cipher_seal_begin(struct cipher *c, const char *text, unsigned char out[CIPHER_HEAD])
{
	unsigned char key[KEY_BYTES];
	bool good = read_key(key, text);

	*c = (struct cipher){0};
	if (good)
		crypto_secretstream_xchacha20poly1305_init_push(STATE(c), out, key);
	sodium_memzero(key, sizeof key);
	return good;
}

void cipher_seal(struct cipher *c, unsigned char *out, const unsigned char *piece, size_t len, bool last)
{
	crypto_secretstream_xchacha20poly1305_push(
		STATE(c), out, NULL, piece, len, NULL, 0, last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	if (last)
		sodium_memzero(c, sizeof *c);
}

bool cipher_open_begin(struct cipher *c, const char *text, const unsigned char head[CIPHER_HEAD])
{
	unsigned char key[KEY_BYTES];
	bool good = read_key(key, text);

	*c = (struct cipher){0};
	c->begun = good && crypto_secretstream_xchacha20poly1305_init_pull(STATE(c), head, key) == 0;
	sodium_memzero(key, sizeof key);
	return c->begun;
}

bool cipher_open(struct cipher *c, unsigned char *out, const unsigned char *piece, size_t len, bool *last)
{
	unsigned char tag = 0;

	*last = false;
	if (!c->begun || c->ended || len < CIPHER_MORE ||
		crypto_secretstream_xchacha20poly1305_pull(STATE(c), out, NULL, &tag, piece, len, NULL, 0) != 0)
		return false;
	*last = c->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return true;
}
