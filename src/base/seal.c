/* Sealing: see seal.h. An envelope is: version (1) · length of the key's id · the id · nonce (24) · ciphertext · tag (16). Version, key id and what it
 * belongs to are authenticated with it. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/id.h"
#include "base/seal.h"

#define VERSION 1
#define KEYS_MAX 16
#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BELONGS_MAX 1024

struct key {
	char id[SEAL_KEY_ID_MAX + 1];
	unsigned char bytes[KEY_BYTES];
};

static struct key *keys; /* sodium_malloc'ed: locked in memory, kept out of core dumps */
static int key_count;

/* One "id=base64"; false: *why. */
static bool read_key(const char *item, size_t len, const char **why)
{
	const char *equals = memchr(item, '=', len);
	size_t id_len = equals ? (size_t)(equals - item) : 0, text_len = equals ? len - id_len - 1 : 0, got = 0;
	struct key *k = &keys[key_count];
	static const int variants[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, sodium_base64_VARIANT_URLSAFE,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING};
	bool good = false;

	*why = "must be id=base64,id=base64 with ids of at most 32 letters, digits, _ and -";
	if (id_len > SEAL_KEY_ID_MAX || !equals || !id_valid(item, id_len))
		return false;
	*why = "names a key twice";
	for (int i = 0; i < key_count; i++)
		if (strlen(keys[i].id) == id_len && memcmp(keys[i].id, item, id_len) == 0)
			return false;
	*why = "has a key that is not base64 of 32 bytes";
	for (size_t i = 0; i < sizeof variants / sizeof *variants && !good; i++)
		good = sodium_base642bin(k->bytes, KEY_BYTES, equals + 1, text_len, NULL, &got, NULL, variants[i]) == 0 && got == KEY_BYTES;
	if (!good)
		return false;
	memcpy(k->id, item, id_len);
	k->id[id_len] = '\0';
	key_count++;
	return true;
}

static enum err read_keys(const char *text, const char **why)
{
	while (*text) {
		size_t len;
		text += strspn(text, " \t");
		len = strcspn(text, ",");
		while (len > 0 && strchr(" \t", text[len - 1]))
			len--;
		if (key_count == KEYS_MAX) {
			*why = "has more than 16 keys";
			return ERR_BAD_REQUEST;
		}
		if (!read_key(text, len, why))
			return ERR_BAD_REQUEST;
		text += strcspn(text, ",");
		text += *text == ',';
	}
	return key_count > 0 ? OK : ERR_NOT_FOUND;
}

enum err seal_setup(const char **why)
{
	enum err e;

	*why = "libsodium cannot start";
	if (sodium_init() < 0)
		return ERR_BAD_REQUEST;
	seal_done();
	keys = sodium_malloc(KEYS_MAX * sizeof *keys);
	if (!keys)
		return ERR_BAD_REQUEST;
	sodium_memzero(keys, KEYS_MAX * sizeof *keys);
	*why = "is not set";
	e = read_keys(config_text("ROOM_KEYS"), why);
	if (e != OK) {
		seal_done();
		return e;
	}
	sodium_mprotect_readonly(keys);
	*why = NULL;
	return OK;
}

void seal_done(void)
{
	sodium_free(keys); /* wipes; takes NULL */
	keys = NULL;
	key_count = 0;
}

bool seal_ready(void)
{
	return key_count > 0;
}

const char *seal_key(void)
{
	return key_count > 0 ? keys[0].id : "";
}

/* What is authenticated beside the content. */
static bool bound(struct buf *out, const void *head, size_t head_len, const char *belongs_to)
{
	buf_init(out, 2 + SEAL_KEY_ID_MAX + BELONGS_MAX);
	buf_add(out, head, head_len);
	buf_str(out, belongs_to);
	return buf_ok(out);
}

enum err seal_make(struct buf *out, const void *plain, size_t len, const char *belongs_to)
{
	unsigned char head[2 + SEAL_KEY_ID_MAX], nonce[NONCE_BYTES], *sealed = NULL;
	unsigned long long sealed_len = 0;
	size_t head_len;
	struct buf ad;
	enum err e = ERR_INTERNAL;

	if (key_count == 0)
		return ERR_INTERNAL;
	head[0] = VERSION;
	head[1] = (unsigned char)strlen(keys[0].id);
	memcpy(head + 2, keys[0].id, head[1]);
	head_len = 2u + head[1];
	if (!bound(&ad, head, head_len, belongs_to))
		goto out;
	sealed = malloc(len + TAG_BYTES);
	if (!sealed)
		abort();
	randombytes_buf(nonce, sizeof nonce);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		sealed, &sealed_len, plain, len, (unsigned char *)ad.data, ad.len, NULL, nonce, keys[0].bytes);
	buf_add(out, head, head_len);
	buf_add(out, nonce, sizeof nonce);
	buf_add(out, sealed, (size_t)sealed_len);
	e = buf_ok(out) ? OK : ERR_TOO_LARGE;
out:
	free(sealed);
	buf_done(&ad);
	return e;
}

bool seal_key_of(char out[SEAL_KEY_ID_MAX + 1], const void *sealed, size_t len)
{
	const unsigned char *p = sealed;

	if (len < 2 || p[0] != VERSION || p[1] > SEAL_KEY_ID_MAX || len < 2u + p[1] + NONCE_BYTES + TAG_BYTES ||
		!id_valid((const char *)p + 2, p[1]))
		return false;
	memcpy(out, p + 2, p[1]);
	out[p[1]] = '\0';
	return true;
}

static const struct key *key_named(const char *id)
{
	for (int i = 0; i < key_count; i++)
		if (strcmp(keys[i].id, id) == 0)
			return &keys[i];
	return NULL;
}

enum err seal_open(struct buf *out, const void *sealed, size_t len, const char *belongs_to)
{
	const unsigned char *p = sealed;
	char id[SEAL_KEY_ID_MAX + 1];
	const struct key *key;
	unsigned char *plain;
	unsigned long long plain_len = 0;
	size_t head_len, room;
	struct buf ad;
	enum err e = ERR_BAD_REQUEST;

	if (key_count == 0)
		return ERR_INTERNAL;
	if (!seal_key_of(id, sealed, len))
		return ERR_BAD_REQUEST;
	key = key_named(id);
	if (!key)
		return ERR_NOT_FOUND;
	head_len = 2u + p[1];
	room = len - head_len - NONCE_BYTES - TAG_BYTES;
	plain = malloc(room + 1);
	if (!plain)
		abort();
	if (bound(&ad, p, head_len, belongs_to) &&
		crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &plain_len, NULL, p + head_len + NONCE_BYTES, len - head_len - NONCE_BYTES,
			(unsigned char *)ad.data, ad.len, p + head_len, key->bytes) == 0) {
		buf_add(out, plain, (size_t)plain_len);
		e = buf_ok(out) ? OK : ERR_TOO_LARGE;
	}
	sodium_memzero(plain, room + 1);
	free(plain);
	buf_done(&ad);
	return e;
}

enum err seal_new_keys(char out[SEAL_NEW_LEN + 1])
{
	unsigned char bytes[KEY_BYTES];
	char name[9];

	if (sodium_init() < 0)
		return ERR_INTERNAL;
	randombytes_buf(bytes, sizeof bytes);
	id_hex(name, 8);
	snprintf(out, SEAL_NEW_LEN + 1, "k%s=", name);
	sodium_bin2base64(out + 10, SEAL_NEW_LEN + 1 - 10, bytes, sizeof bytes, sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(bytes, sizeof bytes);
	return OK;
}
