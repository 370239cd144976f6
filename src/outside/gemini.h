/* Google's Gemini writes a counselor's summary of a conversation (generateContent; research/apis.md §2 is the contract). Called by the worker.
 * What leaves the house: roles, positions, times and texts of the messages, and the previous document of the case. No ids, no names of ours. */
#ifndef OUTSIDE_GEMINI_H
#define OUTSIDE_GEMINI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "chat/talk.h"
#include "outside/caller.h"

struct gemini_ask {
	const struct talk_line *lines; /* borrowed */
	size_t count;
	const char *previous; /* the case's last document (JSON), NULL: none */
	int attempt;          /* 0, 1, … */
};

enum gemini_verdict {
	GEMINI_DONE,
	GEMINI_RETRY, /* again after retry_after_ms (which may be hours: a day's quota); also answers that were no good, since another may be */
	GEMINI_FAILED, /* final: say summary.failed with why */
};

/* What an answer is worth. why, for logs and summary.failed: OK · BLOCKED (by Google's filters) · TRUNCATED · MALFORMED · CITATION (cites positions that
 * aren't there) · UNFINISHED (any other or unknown finishReason) · EMPTY (nothing to summarize) · QUOTA · UNAVAILABLE · TIMEOUT · CONFIG (key, model,
 * request refused) · BREAKER_OPEN */
struct gemini_result {
	enum gemini_verdict verdict;
	const char *why;
	char *document;         /* GEMINI_DONE: compact JSON, see gemini_document; to be freed */
	int64_t retry_after_ms; /* GEMINI_RETRY */
	int status;
	int64_t prompt_tokens, answer_tokens; /* as counted by Google, 0: unknown */
};

#define GEMINI_ATTEMPTS 4 /* after that many answers that were no good, gemini_send says GEMINI_FAILED */

bool gemini_on(void); /* ROOM_GEMINI_KEY is set */

/* Asks for n summaries, GEMINI_BATCH at once (that bounds the memory), and blocks: each batch takes ROOM_GEMINI_TIMEOUT_S at the longest, and a few
 * seconds more when Redis hangs. Whoever holds claims with a lease asks for a batch at a time. */
#define GEMINI_BATCH 4
void gemini_send(struct caller *c, const struct gemini_ask *asks, struct gemini_result *results, size_t n);

/* ---- pure parts ---- */

struct gemini_style {   /* from the settings */
	const char *safety; /* threshold of all four categories */
	int64_t max_tokens;
};

/* The request's body. What does not fit GEMINI_PROMPT_MOST is left out from the oldest on; the prompt says how many, and *omitted. */
#define GEMINI_PROMPT_MOST TALK_MATERIAL_MOST
void gemini_request(struct buf *out, const struct gemini_ask *ask, const struct gemini_style *style, size_t *omitted);

/* Judges an answer to ask of which the first omitted lines were left out. */
struct gemini_result gemini_judge(enum err e, const struct answer *a, const struct gemini_ask *ask, size_t omitted);

/* Checks what the model wrote (text) against the schema and the positions that it was given, and makes the document:
 * {"summary","concerns":[…],"agreed":[…],"riskSigns":[{"kind","sign","positions":[…]}],"openQuestions":[…],"omittedMessages"?}.
 * NULL with *why MALFORMED or CITATION. */
char *gemini_document(const char *text, size_t len, const struct gemini_ask *ask, size_t omitted, const char **why);

#endif
