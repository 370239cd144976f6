/* A store outside for files (any that speaks S3; ROOM_S3_…): each object is sealed with a key of its own that never leaves us, under a random name. So the store
 * can read nothing, and a file whose key is gone is gone, whatever copies the store keeps. Blocks; any thread. fetch_setup came before. */
#ifndef OUTSIDE_DEPOT_H
#define OUTSIDE_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cipher.h"
#include "base/err.h"

/* Is there one? Else files lie on this machine (store/vault.h). */
bool depot_used(void);

/* Seals the bytes under a new key and puts them there. ERR_STORE_UNAVAILABLE: it did not take them, or did not say so. */
enum err depot_put(const char *blob, const unsigned char *bytes, int64_t size, char key[CIPHER_KEY_TEXT]) MUST_CHECK;

/* Fetches and opens: take is given the plain bytes as they come, each piece verified; false ends it. ERR_NOT_FOUND · ERR_STORE_UNAVAILABLE · ERR_INTERNAL: not what
 * was put there. Only after OK were all of them given. */
enum err depot_get(
	const char *blob, const char *key, bool (*take)(void *ctx, const unsigned char *bytes, size_t len), void *ctx) MUST_CHECK;

/* OK also when it was not there. */
enum err depot_delete(const char *blob) MUST_CHECK;

#endif
