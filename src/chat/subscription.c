#include "chat/subscription.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "store/keys.h"

struct pending {
	union {
		subscribe_done *subscribe;
		tail_done *tail;
		settle_done *settle;
		expire_done *expire;
		lease_done *lease;
		reap_done *reap;
	} done;
	void *ctx;
};

static struct pending *pending_new(void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->ctx = ctx;
	return p;
}

static void begin(struct args *a, const char *conversation)
{
	args_init(a);
	keys_conversation(a, conversation);
}

static void subscribed(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	bool no_lease;
	enum err e = call_hub_err(r, &no_lease);
	struct subscribed s = {0};

	if (e == OK) {
		s.resumed = (enum resumed)reply_int(reply_at(r, 1));
		s.expires_at = reply_int(reply_at(r, 2));
		s.ended = strcmp(reply_text(reply_at(r, 3), NULL), "ended") == 0;
		s.from.position = reply_int(reply_at(r, 4));
		snprintf(s.from.check, sizeof s.from.check, "%s", reply_text(reply_at(r, 5), NULL));
		s.length = reply_int(reply_at(r, 6));
		s.online = reply_at(r, 7);
		s.read = reply_at(r, 8);
		s.delivered = reply_at(r, 9);
		s.settle_at = reply_int(reply_at(r, 10));
		s.entries = reply_at(r, 11);
		s.now = reply_int(reply_at(r, 12));
	}
	p->done.subscribe(p->ctx, e, no_lease, e == OK ? &s : NULL);
	free(p);
}

void subscribe(
	struct redis *r, const struct ticket *by, const char *hub, int held, const struct cursor *cursor, subscribe_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.subscribe = done;
	call_participant(&a, by);
	args_str(&a, hub);
	args_int(&a, held);
	call_cursor(&a, cursor);
	args_int(&a, READ_MOST);
	args_int(&a, READ_BYTES);
	redis_script(r, "subscribe", &a, subscribed, p);
}

static void marks(struct buf *b, const char *name, const struct reply *flat)
{
	BUF_LIT(b, ",\"");
	buf_str(b, name);
	BUF_LIT(b, "\":{");
	for (size_t i = 0; i + 1 < reply_count(flat); i += 2) {
		buf_str(b, i > 0 ? ",\"" : "\"");
		buf_str(b, reply_text(reply_at(flat, i), NULL));
		BUF_LIT(b, "\":");
		buf_int(b, reply_int(reply_at(flat, i + 1)));
	}
	buf_char(b, '}');
}

void subscribed_marks(struct buf *b, const struct subscribed *s)
{
	if (s->marks != NULL) {
		buf_add(b, s->marks->data, s->marks->len);
		return;
	}
	BUF_LIT(b, "\"online\":[");
	for (size_t i = 0; i < reply_count(s->online); i++) {
		buf_str(b, i > 0 ? ",\"" : "\"");
		buf_str(b, reply_text(reply_at(s->online, i), NULL));
		buf_char(b, '"');
	}
	buf_char(b, ']');
	marks(b, "read", s->read);
	marks(b, "delivered", s->delivered);
}

static void tail_came(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);
	struct tail t = {0};

	if (e == OK) {
		t.expires_at = reply_int(reply_at(r, 1));
		t.length = reply_int(reply_at(r, 2));
		t.entries = reply_at(r, 3);
	}
	p->done.tail(p->ctx, e, e == OK ? &t : NULL);
	free(p);
}

void tail_read(struct redis *r, const char *conversation, const char *participant, const char *side, const struct cursor *after,
	tail_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.tail = done;
	begin(&a, conversation);
	args_int(&a, after->position);
	args_str(&a, after->check);
	args_int(&a, READ_MOST);
	args_int(&a, READ_BYTES);
	args_str(&a, participant);
	args_str(&a, side);
	redis_script(r, "tail", &a, tail_came, p);
}

static void settled(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);

	p->done.settle(p->ctx, e, e == OK ? reply_int(reply_at(r, 1)) : 0, e == OK ? reply_int(reply_at(r, 2)) : 0,
		e == OK && reply_int(reply_at(r, 3)) != 0);
	free(p);
}

void leave(struct redis *r, const char *conversation, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.settle = done;
	begin(&a, conversation);
	call_leave(&a, participant, hub, held, readers, left_ms_ago);
	redis_script(r, "leave", &a, settled, p);
}

void settle(struct redis *r, const char *conversation, const char *dead_hub, const char *hub, settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.settle = done;
	begin(&a, conversation);
	args_str(&a, dead_hub);
	args_str(&a, hub);
	redis_script(r, "settle", &a, settled, p);
}

static void expired(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done.expire(p->ctx, call_err(r, NULL), reply_int(reply_at(r, 1)));
	free(p);
}

void expire(struct redis *r, const char *conversation, expire_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.expire = done;
	begin(&a, conversation);
	args_str(&a, "");
	args_str(&a, "");
	args_int(&a, 0);
	args_str(&a, "expired");
	redis_script(r, "session_erase", &a, expired, p);
}

static void leased(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	bool no_lease;
	enum err e = call_hub_err(r, &no_lease);

	p->done.lease(p->ctx, e, no_lease, r);
	free(p);
}

void lease(struct redis *r, unsigned bucket, const char *hub, bool take, lease_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.lease = done;
	args_init(&a);
	keys_hub(&a, bucket, hub);
	args_str(&a, hub);
	args_int(&a, LEASE_MS);
	args_str(&a, take ? "take" : "renew");
	redis_script(r, "lease", &a, leased, p);
}

static void reaped(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done.reap(p->ctx, call_err(r, NULL), r);
	free(p);
}

void reap(struct redis *r, unsigned bucket, const char *dead_hub, reap_done *done, void *ctx)
{
	struct args a;
	struct pending *p = pending_new(ctx);

	p->done.reap = done;
	args_init(&a);
	keys_hub(&a, bucket, dead_hub);
	args_str(&a, dead_hub);
	args_int(&a, REAP_MOST);
	redis_script(r, "reap", &a, reaped, p);
}
