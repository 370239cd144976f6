/* HMAC-SHA256, hashes and base64, by libsodium. Any thread; CPU only. */
#ifndef BASE_MAC_H
#define BASE_MAC_H

#include <stddef.h>
#include "base/buf.h"

#define MAC_BYTES 32

/* out = HMAC-SHA256(key, bytes). Keys of any length. */
void mac_sha256(unsigned char out[MAC_BYTES], const void *key, size_t key_len, const void *bytes, size_t len);

/* out = SHA-256(bytes), as hex digits. */
void mac_sha256_hex(char out[2 * MAC_BYTES + 1], const void *bytes, size_t len);

/* out = BLAKE2b of the bytes, keyed, as hex digits. */
void mac_blake2b_hex(char out[2 * MAC_BYTES + 1], const char *key, const void *bytes, size_t len);

/* Adds the standard base64 (with padding) of the bytes. */
void mac_base64(struct buf *out, const void *bytes, size_t len);

/* Decodes standard base64, padded or not, into out (at most max bytes). The length, or -1 when it is none, or too long. */
long mac_unbase64(void *out, size_t max, const char *text, size_t len);

#endif
