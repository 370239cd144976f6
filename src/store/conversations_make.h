/* Making a lasting conversation. Runs within db_write (store/db.h); may block. */
#ifndef STORE_CONVERSATIONS_MAKE_H
#define STORE_CONVERSATIONS_MAKE_H

#include "store/conversations.h"

struct conversation_person {
	const char *id, *role;
};

struct conversation_make {
	const char *type, *channel, *status, *title;
	const char *metadata; /* JSON; NULL: none */
	int64_t retention_s;  /* -1: the setting's */
	const char *by;       /* "": MainServer */
	const char *pair;     /* direct: both, sorted, a blank between; else NULL */
	const char *made_as;  /* by, a blank, his clientId; NULL: none */
	const char *print;    /* what was asked for, as one text: the same clientId with another one is a mistake; NULL without made_as */
	const struct conversation_person *people;
	int count;
};

/* Makes it and puts the people in. *made false: it was there (the same pair, or the same made_as), and stays as it is. *id (in the arena) names it.
 * ERR_CLIENT_ID_REUSED: made_as was used for something else. Two who make the same at the same instant get the same one. */
enum err conversations_make(
	struct db *d, struct arena *a, const struct conversation_make *m, int64_t now, const char **id, bool *made) MUST_CHECK;

/* The one of that pair; ERR_NOT_FOUND. Needs no transaction. */
enum err conversations_of_pair(struct db *d, struct arena *a, const char *pair, const char **id) MUST_CHECK;

#endif
