/* Rows of `files` (sql/0009): files of lasting conversations, and what a store outside keeps for sessions. May block.
 *
 * A file's way: files_come (its bytes are not in place) → files_there → files_attach (sent with a message). Whatever ends it makes it `gone`, and from then on nobody
 * sees it; the worker removes the bytes, when no other file of the conversation needs them, and then the row. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/buf.h"
#include "store/conversations.h"

struct file_row {
	const char *id, *conversation, *blob, *owner;
	bool session, outside; /* outside: its bytes lie, or may lie, in a store */
	int64_t message, size, at;
	const char *hash;        /* NULL: a session's */
	const char *sealed_with; /* NULL: not sealed */
	const char *shown;       /* NULL: a session's */
};

/* May that one upload another? ERR_CONFLICT: he has most.unsent that were not sent; ERR_TOO_LARGE: the conversation has most.files. */
struct files_most {
	int unsent, files;
};
enum err files_room(struct db *d, const char *conversation, const char *owner, struct files_most most) MUST_CHECK;

/* Notes f, if there is room for it (as files_room; sessions count for themselves). *there: the same bytes are in this conversation already: f->blob (in the arena) names them, f->sealed_with is theirs, and the file is there now. Else
 * its bytes are to be put in place under its own id, and files_there says so. ERR_NOT_FOUND: there is no such conversation (any more). */
enum err files_come(struct db *d, struct arena *a, struct file_row *f, struct files_most most, int64_t now, bool *there) MUST_CHECK;
enum err files_there(struct db *d, const char *id, const char *sealed_with, int64_t now) MUST_CHECK; /* ERR_NOT_FOUND: gone meanwhile */

/* What participant may see: files that were sent, and his own. ERR_NOT_FOUND. */
enum err files_get(
	struct db *d, struct arena *a, const char *conversation, const char *id, const char *participant, struct file_row *out) MUST_CHECK;

/* Takes back one's own. ERR_NOT_FOUND; ERR_CONFLICT: it was sent. */
enum err files_take_back(struct db *d, const char *conversation, const char *id, const char *owner, int64_t now) MUST_CHECK;

/* ---- with messages; within db_write, the conversation locked ---- */

/* The files whose ids (a blank between) owner wants to send: adds the JSON array that goes with the message. ERR_NOT_FOUND: one of them is not his, was
 * sent, or is gone; nothing was changed. */
enum err files_list(struct db *d, const char *conversation, const char *owner, const char *ids, struct buf *out) MUST_CHECK;
enum err files_attach(struct db *d, const char *conversation, const char *ids, int64_t message, int64_t now) MUST_CHECK;

/* The JSON array of a message's files as they were sent; nothing when there are none. */
enum err files_of(struct db *d, const char *conversation, int64_t message, struct buf *out) MUST_CHECK;

/* The message was deleted; messages up to that position were erased; the conversation was. */
enum err files_release(struct db *d, const char *conversation, int64_t message, int64_t now) MUST_CHECK;
enum err files_release_to(struct db *d, const char *conversation, int64_t message, int64_t now) MUST_CHECK;
enum err files_release_all(struct db *d, const char *conversation, int64_t now) MUST_CHECK;

/* ---- the worker's ---- */

/* What came and was not sent before unsent_before, or never got its bytes in place before come_before, is gone now. *count: how many. */
enum err files_expire(struct db *d, int64_t unsent_before, int64_t come_before, int64_t now, int64_t *count) MUST_CHECK;

/* Rows that are gone: for each, whether its bytes are needed by another file. Those that are not are to be removed before files_forget; when that fails, the row is put
 * off. Oldest first. */
struct file_gone {
	struct file_row row;
	bool needed;
	int64_t tries;
};
enum err files_gone(struct db *d, struct arena *a, int64_t now, int most, struct file_gone **out, int *count) MUST_CHECK;
enum err files_put_off(struct db *d, const char *id, int64_t until) MUST_CHECK;
/* How many rows speak of bytes in a store outside. */
enum err files_outside(struct db *d, int64_t *count) MUST_CHECK;
enum err files_forget(struct db *d, const char *id) MUST_CHECK;

/* Rows of sessions after that id, in the order of ids. */
enum err files_of_sessions(struct db *d, struct arena *a, const char *after, int most, struct file_row **out, int *count) MUST_CHECK;
/* Does any row speak of those bytes? */
enum err files_known(struct db *d, const char *blob, bool *known) MUST_CHECK;
enum err files_mark_gone(struct db *d, const char *id, int64_t now) MUST_CHECK;

#endif
