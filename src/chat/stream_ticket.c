/* See stream_ticket.h. Called by api/entrance, and by the stream's entrance. */
#include "chat/stream_ticket.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "store/keys.h"

struct putting {
	stream_ticket_put_done *done;
	void *ctx;
};

struct taking {
	stream_ticket_done *done;
	void *ctx;
	enum ticket_kind kind;
};

/* A participant's lie with the session's keys and go with them; for the others nothing but their time is up. */
static void begin(struct args *a, enum ticket_kind kind, const char *conversation, const char *opaque)
{
	args_init(a);
	if (kind == TICKET_PARTICIPANT) {
		keys_conversation(a, conversation);
	} else {
		args_printf(a, "{%u}:%s", keys_bucket(opaque), kind == TICKET_DESK ? "desk" : "user");
		a->keys = 1;
	}
	args_str(a, opaque);
}

static void put(void *ctx, const struct reply *r)
{
	struct putting *p = ctx;

	p->done(p->ctx, call_err(r, NULL));
	free(p);
}

void stream_ticket_put(struct redis *r, const struct ticket *by, const char *opaque, stream_ticket_put_done *done, void *ctx)
{
	struct putting *p = call_alloc(sizeof *p);
	struct args a;

	*p = (struct putting){done, ctx};
	begin(&a, by->kind, by->conversation, opaque);
	args_printf(&a, "%s\n%s\n%s\n%u\n%lld\n%s\n%s\n%s", by->participant, by->side, by->role, by->acts, (long long)by->expires_at_ms,
		by->conversation, by->login, by->name);
	args_int(&a, STREAM_TICKET_MS);
	if (by->kind == TICKET_PARTICIPANT) {
		args_str(&a, by->participant);
		args_str(&a, by->side);
	}
	redis_script(r, by->kind == TICKET_PARTICIPANT ? "ticket_put" : "loose_ticket_put", &a, put, p);
}

static const char *take_line(const char *at, char *out, size_t room)
{
	size_t len = strcspn(at, "\n");

	snprintf(out, room, "%.*s", (int)len, at);
	return at[len] == '\n' ? at + len + 1 : at + len;
}

static void read_ticket(struct ticket *t, const char *at)
{
	char number[24];

	at = take_line(at, t->participant, sizeof t->participant);
	at = take_line(at, t->side, sizeof t->side);
	at = take_line(at, t->role, sizeof t->role);
	at = take_line(at, number, sizeof number);
	t->acts = (unsigned)strtoul(number, NULL, 10);
	at = take_line(at, number, sizeof number);
	t->expires_at_ms = strtoll(number, NULL, 10);
	at = take_line(at, t->conversation, sizeof t->conversation);
	at = take_line(at, t->login, sizeof t->login);
	take_line(at, t->name, sizeof t->name);
}

static void taken(void *ctx, const struct reply *r)
{
	struct taking *p = ctx;
	enum err e = call_err(r, NULL);
	struct ticket t = {.kind = p->kind};

	if (e == OK)
		read_ticket(&t, reply_text(reply_at(r, 1), NULL));
	p->done(p->ctx, e, e == OK ? &t : NULL);
	free(p);
}

void stream_ticket_take(
	struct redis *r, enum ticket_kind kind, const char *conversation, const char *opaque, stream_ticket_done *done, void *ctx)
{
	struct taking *p = call_alloc(sizeof *p);
	struct args a;

	*p = (struct taking){done, ctx, kind};
	begin(&a, kind, conversation, opaque);
	redis_script(r, kind == TICKET_PARTICIPANT ? "ticket_take" : "loose_ticket_take", &a, taken, p);
}
