/* Sealing of what lasts (summaries, copies of a log on their way to one): XChaCha20-Poly1305 with a random nonce. An envelope names its key by id and
 * opens only for what it belongs to. ROOM_KEYS is "id=base64,id=base64" (32 bytes each): the first seals, any opens, so a new key goes in front and
 * the old ones stay until everything is sealed anew. The one module that knows libsodium's boxes.
 *
 * seal_setup once in main, before threads; then any thread. Nothing blocks. */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

#define SEAL_KEY_ID_MAX 32                            /* bytes of a key's id: [A-Za-z0-9_-] */
#define SEAL_OVERHEAD (2 + SEAL_KEY_ID_MAX + 24 + 16) /* an envelope is at most this much longer than what is in it */

/* Takes the keys from ROOM_KEYS (config_load came before). ERR_BAD_REQUEST: *why (static) says what is wrong with it. ERR_NOT_FOUND: no keys set;
 * then seal_make and seal_open say ERR_INTERNAL. May be called again, for tests. */
enum err seal_setup(const char **why) MUST_CHECK;
void seal_done(void); /* wipes the keys */
bool seal_ready(void);

/* The id of the key that seals; "" without keys. */
const char *seal_key(void);

/* Adds the envelope of the len bytes to out. belongs_to: what it is, e.g. "summary:sum_1:sess_1"; the same is needed to open it. */
enum err seal_make(struct buf *out, const void *plain, size_t len, const char *belongs_to) MUST_CHECK;

/* Adds what is in the envelope to out. ERR_NOT_FOUND: its key is not among ours. ERR_BAD_REQUEST: not an envelope, altered, or another's. */
enum err seal_open(struct buf *out, const void *sealed, size_t len, const char *belongs_to) MUST_CHECK;

/* The id of the key that an envelope needs; false when it is none. */
bool seal_key_of(char out[SEAL_KEY_ID_MAX + 1], const void *sealed, size_t len);

/* Writes a new random key as a whole value of ROOM_KEYS, "k<8 hex>=<base64>". */
#define SEAL_NEW_LEN (1 + 8 + 1 + 44)
enum err seal_new_keys(char out[SEAL_NEW_LEN + 1]) MUST_CHECK;

#endif
