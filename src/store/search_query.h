/* What somebody looks for: his text as phrases of words (store/words.h), what the index is asked for it, and where it stands in a text. CPU only.
 *
 * Every piece between blanks is a phrase: its words in a row ("foo-bar", an address, Chinese). Several pieces within quotes are one, too. The last word, unless quotes or a
 * blank close it, is the beginning of a word from its third letter on. All phrases must be there. Nothing else means anything: there is no syntax to get wrong. */
#ifndef STORE_SEARCH_QUERY_H
#define STORE_SEARCH_QUERY_H

#include "base/buf.h"
#include "store/words.h"

#define SEARCH_QUERY_MAX_BYTES 1000
#define SEARCH_WORDS_MOST 64

struct search_phrase {
	struct word *words;
	size_t count;
	bool open; /* the last word is a beginning */
};

struct search_query {
	struct search_phrase *phrases;
	size_t count;
	const struct word *open; /* the word that is a beginning; NULL: none */
};

/* False: more words than SEARCH_WORDS_MOST. A text without words gives no phrase: nothing is found by it. */
bool search_query_parse(struct search_query *out, struct arena *a, const char *text, size_t len);

/* Where it stands in a text. */
struct search_hits {
	struct search_span {
		size_t start, end;
	} * list; /* in order, none within another */
	size_t count;
	double weight; /* how good a find it is, above 0 (see search_query.c) */
};

/* False: not all phrases are there. */
bool search_query_match(struct search_hits *out, struct arena *a, const struct search_query *q, const char *text, size_t len);

/* As JSON: [{"text":"…","hit":bool}, …], all of the text when it has at most most bytes, else a piece of it with the first hit, cut between characters, with "…" where something is
 * left out. Texts are data, never markup. */
void search_highlight(struct buf *b, const char *text, size_t len, const struct search_hits *hits, size_t most);

#endif
