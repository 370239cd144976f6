/* Conversations as lists and single answers show them: with their people, the last message and the end of the log. Reads only; may block.
 * Each answer is of one instant: a count that lags behind the last message beside it would be taken for read. Not within a transaction. */
#ifndef STORE_CONVERSATIONS_LIST_H
#define STORE_CONVERSATIONS_LIST_H

#include "store/entries.h"

#define CONVERSATIONS_PEOPLE_SHOWN 50

/* A place in a list; a page begins after one. */
struct conversations_place {
	int64_t at; /* last activity */
	int64_t n;
};

/* Strings live in the arena that was given. */
struct conversation_view {
	struct conversation c; /* .me: the asker; zeroed for MainServer */
	int64_t people;        /* how many are in it */
	const char *end_mark;  /* of the entry at c.length; NULL: there is none */
	struct member *shown;  /* the first of them, in the order they joined */
	int shown_count;
	struct entry_line last; /* the last message; bytes NULL: none, or not for MainServer */
	struct conversations_place place;
};

struct conversations_query {
	const char *asker;                              /* NULL: MainServer, which sees all of them, or participant's */
	const char *type, *status, *participant, *text; /* NULL: any. text: within the title or somebody else's name, whatever the case */
	struct conversations_place after;               /* {0, 0}: from the beginning */
	int limit;
};

/* A page, newest activity first (MainServer without participant: those made last first). *next is where the next one begins; its n is 0 when there is none.
 * With a text a page may be shorter than it might, empty even, while there is a next one: a long list is not looked through at once. */
enum err conversations_list(struct db *d, struct arena *a, const struct conversations_query *q, struct conversation_view **out, int *count,
	struct conversations_place *next) MUST_CHECK;

/* One. ERR_NOT_FOUND as conversations_get. */
enum err conversations_view(struct db *d, struct arena *a, const char *id, const char *asker, struct conversation_view *out) MUST_CHECK;

#endif
