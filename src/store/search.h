/* Finding messages by their words, and conversations by title and names (sql/0008: FTS5, or tsvector). May block; call within db_read, so that what is found is of one instant.
 *
 * Found is only what the asker may read: conversations he is in now, above what is erased, nothing deleted. The index says which rows may hold the words; whether they
 * do is looked at in the text itself, by the one rule of store/search_query.h, for both databases.
 *
 * A search may match a million rows, so they are never all ranked: a window of the newest matches is (SEARCH_WINDOW of them, or what is found within
 * SEARCH_PATIENCE_MS), best first; when it is read to its end, `next` goes on with the window before it. A page may have fewer finds than asked for, none even, as
 * long as there is a `next`. */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store/conversations.h"
#include "store/search_query.h"

#define SEARCH_WINDOW 200
#define SEARCH_PATIENCE_MS 12
#define SEARCH_PATIENCE_MOST_MS 50 /* while there is no find at all */
#define SEARCH_CURSOR_MAX 80

/* Where a page goes on. {0}: the beginning. */
struct search_place {
	int64_t top;      /* rows below it */
	int64_t bottom;   /* the window's end; 0: a new window */
	int64_t score, n; /* the last find of the page before, in this window */
};

bool search_place_parse(struct search_place *out, const char *text);
void search_place_print(char out[SEARCH_CURSOR_MAX], const struct search_place *p);

struct search_ask {
	const char *asker;
	const struct search_query *query;
	const struct conversation *within; /* messages of this one only (he is in it); NULL: of all */
	struct search_place after;
	int limit;
};

/* Strings live in the arena that was given. */
struct search_find {
	struct conversation c; /* n, id, type, title, floor, last_at only */
	int64_t n;             /* the row */
	int64_t position;      /* the message; 0: the conversation itself */
	int64_t at;
	int64_t score;
	const char *text; /* what the words were found in */
	size_t len;
};

/* *next: where it goes on; its top is 0 when there is nothing more. */
enum err search_messages(struct db *d, struct arena *a, const struct search_ask *ask, struct search_find **out, int *count,
	struct search_place *next) MUST_CHECK;
enum err search_conversations(struct db *d, struct arena *a, const struct search_ask *ask, struct search_find **out, int *count,
	struct search_place *next) MUST_CHECK;

/* ---- keeping the index (a transaction each; not within db_read) ---- */

/* What entries.words of a message is to be; NULL when it has no word. In the arena. */
char *search_message_words(struct arena *a, int64_t conversation, const char *content, size_t len);

/* Makes the words of conversations whose title, people or names changed: of those that this one is in (NULL: of any), at most `most`. *done: how many. */
enum err search_refresh(struct db *d, const char *asker, int most, int64_t *done) MUST_CHECK;

/* Edited and deleted words still rest in the file, until a worker has gone through this: begin (*some: there is something to do; what comes from now on is for the next
 * time), steps as long as there is *more, end (ERR_STORE_UNAVAILABLE: a reader was in the way, again later). Several at once do no harm. */
enum err search_scrub_begin(struct db *d, bool *some) MUST_CHECK;
enum err search_scrub_step(struct db *d, bool *more) MUST_CHECK;
enum err search_scrub_end(struct db *d) MUST_CHECK;
/* Meanwhile, if there is something to do: what the rows held leaves SQLite's file and log; the index still has the words. ERR_STORE_UNAVAILABLE as above. */
enum err search_scrub_rows(struct db *d) MUST_CHECK;

#endif
