/* What was said in a session, for its summary: read from the log page by page while it lives, or from the sealed copy that was kept of it.
 * Only messages that still have their text. For the job `summary`. */
#ifndef WORKER_TALK_H
#define WORKER_TALK_H

#include "base/buf.h"
#include "outside/gemini.h"
#include "worker/ask.h"

#define TALK_MOST (2 * GEMINI_PROMPT_MOST) /* bytes of a copy before it is sealed */

struct talk {
	struct gemini_line *lines; /* ascending; texts in the arena */
	size_t count;
	struct buf plain;  /* as the copy has it: wiped by talk_done */
	const char *state; /* of the log as it was read (store/lua/_summary.lua) */
};

void talk_init(struct talk *t);
void talk_done(struct talk *t);

/* From the session. ERR_GONE, ERR_NOT_FOUND: it is over. ERR_CONFLICT: it is amended all the time. The oldest of a very long one are without text:
 * the prompt would not hold them. */
enum err talk_read(struct talk *t, struct redis *r, struct arena *a, const char *conversation) MUST_CHECK;

/* t as a sealed copy that belongs to request `at` of that conversation, and back. ERR_NOT_FOUND, ERR_BAD_REQUEST: as seal_open has them. */
enum err talk_seal(const struct talk *t, struct buf *out, const char *conversation, int64_t at) MUST_CHECK;
enum err talk_open(struct talk *t, struct arena *a, const void *sealed, size_t len, const char *conversation, int64_t at) MUST_CHECK;

#endif
