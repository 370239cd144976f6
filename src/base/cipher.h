/* Sealing of long things piece by piece, each with a key of its own (libsodium's secretstream): who throws the key away has destroyed what was sealed, wherever its
 * copies are. Altered, reordered and cut off streams don't open. CPU only; a struct belongs to one thread at a time. */
#ifndef BASE_CIPHER_H
#define BASE_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CIPHER_KEY_TEXT 45 /* base64 of 32 bytes, with its NUL */
#define CIPHER_PIECE 65536 /* plain bytes sealed at once; the last piece may be shorter */
#define CIPHER_MORE 17     /* a sealed piece is so much longer */
#define CIPHER_HEAD 24     /* what a sealed stream begins with */

struct cipher {
	_Alignas(16) unsigned char state[64]; /* libsodium's, see cipher.c */
	bool begun, ended;
};

/* A new random key, as text. */
void cipher_key(char out[CIPHER_KEY_TEXT]);

/* Begins to seal: out is the head of the stream. False: that is no key. */
bool cipher_seal_begin(struct cipher *c, const char *key, unsigned char out[CIPHER_HEAD]);
/* A piece of at most CIPHER_PIECE bytes into out (CIPHER_MORE longer); last: nothing follows. */
void cipher_seal(struct cipher *c, unsigned char *out, const unsigned char *piece, size_t len, bool last);

/* The way back. False: not what was sealed with that key. *last: the stream is whole. */
bool cipher_open_begin(struct cipher *c, const char *key, const unsigned char head[CIPHER_HEAD]);
bool cipher_open(struct cipher *c, unsigned char *out, const unsigned char *piece, size_t len, bool *last);

#endif
