/* Files of sessions: what is known of them is in Redis with the session (store/lua/_files.lua), their bytes are in memory (store/vault.h) or sealed in a store.
 * Calls as in chat/session.h: asynchronous, done exactly once on a reply thread, strings of its answer are valid during the call only.
 * Errors of every call: ERR_NOT_FOUND (also for what one may not see), ERR_GONE, ERR_FORBIDDEN, ERR_STORE_UNAVAILABLE. */
#ifndef CHAT_FILE_H
#define CHAT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "chat/ticket.h"

#define FILE_ID_PREFIX "file_"
#define FILES_A_MESSAGE 10      /* most */
#define FILES_UNSENT_MOST 20    /* of one participant in one conversation */
#define FILES_UNSENT_MS 3600000 /* then they are deleted */
#define FILES_MOST 1000         /* of one conversation */
#define FILE_KEY_TEXT 64        /* a sealing key as text, with its NUL */

struct file_answer {
	const char *salt;        /* file_room: of hashes within this conversation */
	char blob[ID_MAX + 1];   /* file_put, file_get: under what the bytes are kept; file_drop: nobody needs it any more, "" somebody does */
	char key[FILE_KEY_TEXT]; /* file_get: what they are sealed with, "-" nothing */
	const char *json;        /* file_get */
	int retry_after_s;       /* file_room, with ERR_RATE_LIMITED */
};

typedef void file_done(void *ctx, enum err e, const struct file_answer *a);

struct file_new {
	char id[ID_MAX + 1];
	char hash[65];
	char key[FILE_KEY_TEXT]; /* "-": not sealed */
	int64_t size;
	const char *json; /* file_json */
};

/* Is there room for so many bytes more? It counts as an upload (ROOM_UPLOADS). + ERR_RATE_LIMITED, ERR_SESSION_ENDED, ERR_TOO_LARGE (the conversation has all it may), ERR_CONFLICT (too many were not sent). */
void file_room(const struct ticket *by, int64_t size, file_done *done, void *ctx);

/* Its bytes are in place: from now on it is there. Errors as file_room, but for the rate; after ERR_STORE_UNAVAILABLE it may be there all the same. */
void file_put(const struct ticket *by, const struct file_new *f, file_done *done, void *ctx);

void file_get(const struct ticket *by, const char *id, file_done *done, void *ctx);

/* One's own, not sent. + ERR_CONFLICT: it was sent; deleting the message deletes it. */
void file_drop(const struct ticket *by, const char *id, file_done *done, void *ctx);

/* A file as clients see it: {"id","name","type","size"[,"width","height"]}. */
void file_json(struct buf *b, const char *id, const char *name, const char *type, int64_t size, int64_t width, int64_t height);

/* Is it a file's id? */
bool file_id_valid(const char *id);

#endif
