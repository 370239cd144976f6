/* Summaries, as far as the session knows of them: asking for one, the student's consent, and whether what was written may be read. What is kept lies in
 * store/summaries, written by the worker. Calls as in chat/session.h. */
#ifndef CHAT_SUMMARY_H
#define CHAT_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/id.h"
#include "chat/ticket.h"

#define SUMMARY_HOUR_MS 3600000 /* a request, and its copy of the log, live for so long */

/* A request as it stands in the session's queue. */
struct summary_request {
	bool unchanged;     /* there is a ready one, and nothing was said since: nothing was queued */
	int64_t at;         /* when it was asked for: names the request */
	int64_t session_at; /* createdAt */
	char case_ref[ID_MAX + 1];
};

/* details: a sentence for the client, or NULL. r is NULL unless OK. */
typedef void summary_asked(void *ctx, enum err e, const struct summary_request *r, const char *details);
typedef void summary_done(void *ctx, enum err e);

/* OK: queued, or queued before and not yet written, or unchanged. anew: even when unchanged. ERR_FORBIDDEN, ERR_CONFLICT (consent; nothing said). */
void summary_ask(const struct ticket *by, bool anew, summary_asked *done, void *ctx);

/* What a student may know and decide of it. */
struct summary_terms {
	char policy[8]; /* "allowed", "consent", "off" */
	int8_t consent; /* 1, 0, -1: not said */
	bool was_asked; /* a summary was asked for, at some time */
};
typedef void summary_told(void *ctx, enum err e, const struct summary_terms *t);

/* The student's consent: '1', '0', or '\0' to look only. ERR_FORBIDDEN for anybody else; ERR_CONFLICT: taken back where nobody
 * waits for it. */
void summary_consent(const struct ticket *by, char given, summary_told *done, void *ctx);

/* OK unless that life of it was erased (ERR_GONE; session_at 0: the newest): also when it is over, or long forgotten. */
void summary_look(const char *conversation, int64_t session_at, summary_done *done, void *ctx);

#endif
