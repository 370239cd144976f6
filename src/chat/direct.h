/* Direct conversations found by who is in them. On threads of store/dbpool; may block. */
#ifndef CHAT_DIRECT_H
#define CHAT_DIRECT_H

#include "chat/conversation.h"

/* The direct conversation of by and other, made when there is none yet. *id lives in a. ERR_BAD_REQUEST: with oneself; ERR_RATE_LIMITED with *wait: he made
 * too many lately. */
enum err direct_open(
	struct db *d, struct arena *a, const struct ticket *by, const char *other, const char **id, struct quota_wait *wait) MUST_CHECK;

/* The same, but only when there is one: else ERR_NOT_FOUND. */
enum err direct_find(struct db *d, struct arena *a, const struct ticket *by, const char *other, const char **id) MUST_CHECK;

#endif
