/* Identifiers: their grammar, random ones, and the short hashes derived from them. Any thread; never blocks (getrandom after boot). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAX 64          /* bytes, design §12: ids match ^[A-Za-z0-9_-]{1,64}$ */
#define PERSON_NAME_MAX 96 /* bytes, UTF-8: what people are called */
#define ID_CHECK_LEN 12    /* hex digits of a cursor's check, design §1 */

/* True when the len bytes at s are an id. */
bool id_valid(const char *s, size_t len);

/* Fills out with n random bytes (CSPRNG, buffered per thread). */
void id_random(void *out, size_t n);

/* Writes hex_len random hex digits and a NUL. */
void id_hex(char *out, size_t hex_len);

/* Writes prefix (e.g. "sess_"), 22 random base62 digits and a NUL; out holds at least strlen(prefix) + 23 bytes. */
void id_new(char *out, const char *prefix);

/* 8 hex digits of a keyless hash of id (the caller joins what tells participants apart, e.g. role and id): names cookies, `?as=`. */
void id_short_hash(char out[9], const char *id);

/* FNV-1a, 64 bit: for buckets and hash tables, not for secrets. */
uint64_t id_fnv(const void *bytes, size_t len);

#endif
