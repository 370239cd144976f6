#include "chat/log_session.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "chat/cursor.h"
#include "store/keys.h"
#include "store/store.h"

struct pending {
	union {
		signal_done *signal;
		presence_done *presence;
	} done;
	void *ctx;
};

static struct pending *pending_new(signal_done *done, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->done.signal = done;
	p->ctx = ctx;
	return p;
}

static void answered(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done.signal(p->ctx, call_err(r, NULL));
	free(p);
}

static void call(const char *script, const struct args *a, signal_done *done, void *ctx)
{
	redis_script(store_commands(), script, a, answered, pending_new(done, ctx));
}

void log_session_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	args_str(&a, is_typing ? "true" : "false");
	call("typing", &a, done, ctx);
}

static void mark(const struct ticket *by, const char *what, const struct cursor *c, bool alive, signal_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	args_str(&a, what);
	args_int(&a, c->position);
	args_str(&a, c->check);
	args_str(&a, alive ? "1" : "0");
	call("mark", &a, done, ctx);
}

void log_session_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx)
{
	struct cursor c;

	if (!cursor_or_id(&c, up_to))
		done(ctx, ERR_BAD_REQUEST);
	else
		mark(by, "read", &c, false, done, ctx);
}

void log_session_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx)
{
	struct cursor c = {0};

	if (cursor != NULL && !cursor_parse(&c, cursor))
		done(ctx, ERR_BAD_REQUEST);
	else
		mark(by, cursor != NULL ? "delivered" : "life", &c, true, done, ctx);
}

static void seen(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);
	struct presence_one who[2];
	struct presence out = {.who = who};

	for (size_t i = 1; e == OK && out.count < 2 && i + 2 < reply_count(r); i += 3) {
		size_t len;
		const char *id = reply_text(reply_at(r, i), &len);
		if (len == 0)
			continue;
		who[out.count++] = (struct presence_one){id, reply_text(reply_at(r, i + 1), NULL), reply_int(reply_at(r, i + 2)) != 0};
	}
	p->done.presence(p->ctx, e, &out);
	free(p);
}

void log_session_presence(const struct ticket *by, presence_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(NULL, ctx);

	p->done.presence = done;
	call_participant(&a, by);
	redis_script(store_commands(), "presence", &a, seen, p);
}

void signal_check(const struct ticket *by, signal_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, by->conversation);
	args_str(&a, by->participant);
	args_str(&a, by->side);
	call("check", &a, done, ctx);
}
