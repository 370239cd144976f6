/* See thread.h. Called by api/threads. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/rate.h"
#include "chat/thread.h"
#include "store/entries.h"

#define MEMBERS_MAX (8 * THREAD_TITLE_MAX + 1000)

void thread_members(struct buf *out, const struct thread *t)
{
	buf_printf(out, "\"id\":\"%s\",\"parent\":", t->id);
	if (t->parent)
		buf_printf(out, "\"%s\"", t->parent);
	else
		BUF_LIT(out, "null");
	BUF_LIT(out, ",\"root\":");
	if (t->root)
		buf_int(out, t->root);
	else
		BUF_LIT(out, "null");
	BUF_LIT(out, ",\"title\":");
	buf_json(out, t->title, strlen(t->title));
	buf_printf(out, ",\"createdBy\":\"%s\",\"createdAt\":%lld,\"messageCount\":%lld,\"lastActivityAt\":%lld", t->made_by,
		(long long)t->made_at, (long long)t->messages, (long long)t->last_at);
}

/* ---- beginning ---- */

struct beginning {
	struct arena *arena;
	const struct ticket *by;
	const struct thread_new *n;
	struct thread out;
	int64_t wait_ms;
	const char *why;
};

static enum err refuse(struct beginning *b, enum err e, const char *why)
{
	b->why = why;
	return e;
}

/* OK, or what is wrong with what it is to hang on. */
static enum err places(struct db *d, struct beginning *b, const struct conversation *c)
{
	enum err e = OK;

	if (b->n->parent)
		e = entries_is_thread(d, c, b->n->parent);
	if (e == ERR_NOT_FOUND)
		return refuse(b, ERR_BAD_REQUEST, "parent must be a thread of this conversation.");
	if (e == OK && b->n->root)
		e = entries_is_message(d, c, b->n->root);
	if (e == ERR_NOT_FOUND)
		return refuse(b, ERR_BAD_REQUEST, "root must be a message of this conversation.");
	return e;
}

static enum err may_begin(struct db *d, struct beginning *b, const struct conversation *c, int64_t now)
{
	char rate[RATE_TEXT_MAX];
	enum err e = conversation_may(c, b->by, RIGHT_THREADS);

	if (e != OK)
		return e;
	if (strcmp(c->status, "completed") == 0)
		return refuse(b, ERR_SESSION_ENDED, "The conversation is completed.");
	if (c->me.silenced_until > now)
		return refuse(b, ERR_FORBIDDEN, "You are silenced in this conversation.");
	e = places(d, b, c);
	if (e != OK)
		return e;
	b->wait_ms = rate_take(c->me.rate, now, rate);
	if (b->wait_ms > 0)
		return ERR_RATE_LIMITED;
	return entries_rate(d, c, b->by->participant, rate);
}

static enum err begin(struct db *d, void *ctx)
{
	struct beginning *b = ctx;
	struct conversation c;
	struct buf members;
	char id[32];
	enum err e = conversations_lock(d, b->arena, b->by->conversation, b->by->participant, &c);
	int64_t now = clock_now_ms();

	b->why = NULL;
	b->wait_ms = 0;
	if (e == OK)
		e = may_begin(d, b, &c, now);
	if (e != OK)
		return e;
	snprintf(id, sizeof id, THREAD_ID_PREFIX "%lld", (long long)c.length + 1);
	b->out = (struct thread){.id = arena_strdup(b->arena, id),
		.title = b->n->title,
		.made_by = b->by->participant,
		.parent = b->n->parent,
		.root = b->n->root,
		.made_at = now,
		.last_at = now};
	buf_init(&members, MEMBERS_MAX);
	thread_members(&members, &b->out);
	e = buf_ok(&members) ? conversation_tell(d, &c, b->by, "thread:created", members.data, now) : ERR_TOO_LARGE;
	buf_done(&members);
	return e == OK ? threads_make(d, &c, &b->out) : e;
}

enum err thread_begin(struct db *d, struct arena *a, const struct ticket *by, const struct thread_new *n, struct thread *out,
	int *retry_after_s, const char **why)
{
	struct beginning b = {.arena = a, .by = by, .n = n};
	enum err e = db_write(d, begin, &b);

	if (e == OK)
		announce(by->conversation);
	*out = b.out;
	*why = b.why;
	*retry_after_s = e == ERR_RATE_LIMITED ? (int)((b.wait_ms + 999) / 1000) : 0;
	return e;
}

/* ---- looking ---- */

static enum err conversation_read(struct db *d, struct arena *a, const struct ticket *by, struct conversation *c)
{
	enum err e = conversations_get(d, a, by->conversation, by->participant, c);

	return e == OK ? conversation_may(c, by, RIGHT_READ) : e;
}

enum err thread_get(struct db *d, struct arena *a, const struct ticket *by, const char *id, struct thread *out)
{
	struct conversation c;
	enum err e = conversation_read(d, a, by, &c);

	return e == OK ? threads_get(d, a, &c, id, out) : e;
}

enum err thread_list(struct db *d, struct arena *a, const struct ticket *by, const char *parent, int64_t after_at, const char *after_id,
	int most, struct thread **out, int *count)
{
	struct conversation c;
	enum err e = conversation_read(d, a, by, &c);

	if (e == OK && parent && *parent)
		e = entries_is_thread(d, &c, parent);
	return e == OK ? threads_list(d, a, &c, parent, after_at, after_id, most, out, count) : e;
}
