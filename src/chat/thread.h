/* Threads of lasting conversations, by the rights table. As chat/conversation.h says: on threads of store/dbpool, announced before these return. */
#ifndef CHAT_THREAD_H
#define CHAT_THREAD_H

#include "chat/conversation.h"
#include "store/threads.h"

#define THREAD_TITLE_MAX 256

struct thread_new {
	const char *title;  /* "": none */
	const char *parent; /* NULL: under no other */
	int64_t root;       /* 0: at no message */
};

/* Begins one. + ERR_BAD_REQUEST: there is no such parent or root; ERR_SESSION_ENDED: the conversation is completed; ERR_RATE_LIMITED: it counts as a message. */
enum err thread_begin(struct db *d, struct arena *a, const struct ticket *by, const struct thread_new *n, struct thread *out,
	int *retry_after_s, const char **why) MUST_CHECK;

enum err thread_get(struct db *d, struct arena *a, const struct ticket *by, const char *id, struct thread *out) MUST_CHECK;

enum err thread_list(struct db *d, struct arena *a, const struct ticket *by, const char *parent, int64_t after_at, const char *after_id,
	int most, struct thread **out, int *count) MUST_CHECK;

/* {"id","parent","root","title","createdBy","createdAt","messageCount","lastActivityAt"}; its members alone, without the braces. */
void thread_members(struct buf *out, const struct thread *t);

#endif
