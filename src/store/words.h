/* The words of a text, the same rule wherever text is found by its words: what is indexed (both databases), what is asked for, and what is marked in the answer.
 *
 * A word is a run of letters, digits and their marks in any script, in lower case and without diacritics (Unicode 6.1's tables, as SQLite's unicode61 has them).
 * Scripts that put no blanks between words (Chinese, Japanese, Thai, Lao, Burmese, Khmer) and symbols such as emoji give one word for each character, so that any piece
 * of such a text is found as a row of words. Everything else only parts words: there is no syntax. Points of Hebrew and Arabic, soft hyphens, direction marks and
 * variation selectors are passed over. CPU only; any thread. */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"

#define WORD_MAX_BYTES 64 /* what is longer counts by its beginning */

struct word {
	const char *text; /* folded; NUL-terminated; never holds ASCII but a–z and 0–9 */
	size_t len;
	size_t start, end; /* its bytes in the text */
	bool single;       /* a character that is a word by itself */
};

struct words {
	struct word *list;
	size_t count;
};

/* Those of text (valid UTF-8), in its order. In the arena. */
void words_of(struct words *out, struct arena *a, const char *text, size_t len);

/* What a row of the index holds: each of scopes ("=17"), then the distinct words; a blank between. In the arena. NULL when there is no word. */
char *words_index(struct arena *a, const char *scopes, const char *text, size_t len);

#endif
