/* Threads of a lasting conversation (sql/0007): beginning, looking at, listing. Their messages are entries of the conversation's log, and are counted by
 * store/entries. May block. */
#ifndef STORE_THREADS_H
#define STORE_THREADS_H

#include "store/conversations.h"

#define THREAD_ID_PREFIX "t" /* then the position of its thread:created */

/* Strings live in the arena that was given. */
struct thread {
	const char *id, *title, *made_by;
	const char *parent; /* NULL: hangs under no other */
	int64_t root;       /* the message it began at; 0: none */
	int64_t made_at, last_at, messages;
};

/* Within db_write, c being locked. */
enum err threads_make(struct db *d, const struct conversation *c, const struct thread *t) MUST_CHECK;

/* ERR_NOT_FOUND. */
enum err threads_get(struct db *d, struct arena *a, const struct conversation *c, const char *id, struct thread *out) MUST_CHECK;

/* A page, newest activity first, after that one (after_at 0: from the beginning). parent NULL: all; "": those under no other; else those under it. */
enum err threads_list(struct db *d, struct arena *a, const struct conversation *c, const char *parent, int64_t after_at,
	const char *after_id, int most, struct thread **out, int *count) MUST_CHECK;

#endif
