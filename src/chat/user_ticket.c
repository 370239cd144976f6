/* See user_ticket.h. Kept by the same scripts as a desk's, under another name. */
#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "chat/user_ticket.h"
#include "chat/signal.h"
#include "store/keys.h"

struct putting {
	void (*done)(void *ctx, enum err e);
	void *ctx;
};

struct taking {
	user_ticket_done *done;
	void *ctx;
};

static void begin(struct args *a, const char *opaque)
{
	args_init(a);
	args_printf(a, "{%u}:user", keys_bucket(opaque));
	a->keys = 1;
	args_str(a, opaque);
}

static void put(void *ctx, const struct reply *r)
{
	struct putting *p = ctx;

	p->done(p->ctx, call_err(r, NULL));
	free(p);
}

void user_ticket_put(struct redis *r, const struct ticket *by, const char *opaque, void (*done)(void *ctx, enum err e), void *ctx)
{
	struct putting *p = call_alloc(sizeof *p);
	struct args a;

	*p = (struct putting){done, ctx};
	begin(&a, opaque);
	args_printf(&a, "%s\n%s\n%s\n%lld\n%s", by->participant, by->login, by->conversation, (long long)by->expires_at_ms, by->name);
	args_int(&a, STREAM_TICKET_MS);
	redis_script(r, "desk_ticket_put", &a, put, p);
}

static const char *take_line(const char *at, char *out, size_t room)
{
	size_t len = strcspn(at, "\n");

	snprintf(out, room, "%.*s", (int)len, at);
	return at[len] == '\n' ? at + len + 1 : at + len;
}

static void taken(void *ctx, const struct reply *r)
{
	struct taking *p = ctx;
	enum err e = call_err(r, NULL);
	struct ticket t = {.kind = TICKET_USER, .side = "user"};

	if (e == OK) {
		char number[24];
		const char *at = reply_text(reply_at(r, 1), NULL);
		at = take_line(at, t.participant, sizeof t.participant);
		at = take_line(at, t.login, sizeof t.login);
		at = take_line(at, t.conversation, sizeof t.conversation);
		at = take_line(at, number, sizeof number);
		t.expires_at_ms = strtoll(number, NULL, 10);
		take_line(at, t.name, sizeof t.name);
	}
	p->done(p->ctx, e, e == OK ? &t : NULL);
	free(p);
}

void user_ticket_take(struct redis *r, const char *opaque, user_ticket_done *done, void *ctx)
{
	struct taking *p = call_alloc(sizeof *p);
	struct args a;

	*p = (struct taking){done, ctx};
	begin(&a, opaque);
	redis_script(r, "desk_ticket_take", &a, taken, p);
}
