/* Between search.c (windows, ranking, pages) and search_rows.c (what is asked of the databases). Nobody else includes this. */
#ifndef STORE_SEARCH_ROWS_H
#define STORE_SEARCH_ROWS_H

#include "store/search.h"

struct search_window {
	struct arena *arena;
	const struct search_ask *ask;
	bool titles;      /* conversations, not messages */
	char *expression; /* what the index is asked: FTS5's or tsquery's language; NULL: nothing can be found */

	/* Adds what is found in rows [low, high), newest first, and moves bottom down to the last row that was looked at: low when all were. */
	enum err (*rows)(struct db *d, struct search_window *w, int64_t low, int64_t high);

	bool again;          /* it is to be found again as it was: it ends later when it is full or late */
	int64_t top, bottom; /* what was looked through */
	int64_t looked;      /* rows that the index named */
	int64_t since;       /* clock_mono_ms */
	struct search_find *list;
	int count, room;
	size_t bytes;
};

enum err search_rows_prepare(struct db *d, struct search_window *w) MUST_CHECK;                 /* makes the expression */
enum err search_rows_top(struct db *d, const struct search_window *w, int64_t *top) MUST_CHECK; /* above the newest row */
enum err search_rows_messages(struct db *d, struct search_window *w, int64_t low, int64_t high) MUST_CHECK;
enum err search_rows_titles(struct db *d, struct search_window *w, int64_t low, int64_t high) MUST_CHECK;

/* f is filled but for score and text, which is copied. False: the window is full. */
bool search_window_add(struct search_window *w, struct search_find *f, const char *text, size_t len, double weight);
bool search_window_late(const struct search_window *w);

/* "=17": the word that stands for the conversation's rows; "=" and a hash: for those of a person. */
#define SEARCH_SCOPE_MAX 24
void search_scope_number(char out[SEARCH_SCOPE_MAX], int64_t conversation);
void search_scope_person(char out[SEARCH_SCOPE_MAX], const char *participant);
#define SEARCH_SCOPE_MANY "=many" /* a conversation of more than SEARCH_PEOPLE: who is in it is looked up */
#define SEARCH_PEOPLE 50

/* What a conversation's words are made of, and looked for in: the title, and the names of those who are in it, but for one (NULL: of all). */
enum err search_title_text(
	struct db *d, struct arena *a, const struct conversation *c, const char *but, char **scopes, char **names) MUST_CHECK;

#endif
