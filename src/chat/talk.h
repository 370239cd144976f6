/* What was said in a session, for its summary: read from the log page by page while it lives, or from the sealed copy that was kept of it.
 * Only messages that still have their text. For whoever asks for a summary, and the worker's job `summary`. All of it blocks (store/ask.h). */
#ifndef CHAT_TALK_H
#define CHAT_TALK_H

#include "base/buf.h"
#include "store/ask.h"

#define TALK_MATERIAL_MOST (2 * 1024 * 1024) /* bytes that a summary is made of */
#define TALK_MOST (2 * TALK_MATERIAL_MOST)   /* of a copy before it is sealed */

/* A message as it is now (no markers, no deleted ones). */
struct talk_line {
	int64_t position;
	const char *role; /* "student", "counselor", "volunteer" */
	int64_t sent_at_ms;
	const char *content; /* UTF-8 */
	size_t content_len;
};

struct talk {
	struct talk_line *lines; /* ascending; texts in the arena */
	size_t count;
	struct buf plain;  /* as the copy has it: wiped by talk_done */
	const char *state; /* of the log as it was read (store/lua/_summary.lua) */
};

void talk_init(struct talk *t);
void talk_done(struct talk *t);

/* From the session. ERR_GONE, ERR_NOT_FOUND: it is over. ERR_CONFLICT: it is amended all the time. The oldest of a very long one are without text:
 * the prompt would not hold them. */
enum err talk_read(struct talk *t, struct redis *r, struct arena *a, const char *conversation) MUST_CHECK;

/* Keeps t as the sealed copy of request `at` of that conversation: for the worker that claimed it, or, with claim "", for who just made the request (a copy
 * that is there already stays). ERR_CONFLICT: the claim lapsed, the request is another, or something was amended since t was read. */
enum err talk_keep(
	const struct talk *t, struct redis *r, struct arena *a, const char *conversation, int64_t at, const char *claim) MUST_CHECK;

/* That copy back. ERR_NOT_FOUND, ERR_BAD_REQUEST: as seal_open has them. */
enum err talk_open(struct talk *t, struct arena *a, const void *sealed, size_t len, const char *conversation, int64_t at) MUST_CHECK;

#endif
