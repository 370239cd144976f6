#include "chat/following.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "store/keys.h"

struct pending {
	union {
		following_done *following;
		settle_done *settle;
		feed_done *feed;
	} done;
	bool tail;
	void *ctx;
};

static struct pending *begin(struct args *a, const char *place, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->ctx = ctx;
	args_init(a);
	keys_conversation(a, place);
	return p;
}

static void subscribed(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	bool no_lease;
	enum err e = call_hub_err(r, &no_lease);
	struct following f = {0};

	if (e == OK) {
		f.told = reply_int(reply_at(r, 1));
		f.online = reply_at(r, 2);
		f.settle_at = reply_int(reply_at(r, 3));
		f.now = reply_int(reply_at(r, 4));
	}
	p->done.following(p->ctx, e, no_lease, e == OK ? &f : NULL);
	free(p);
}

void lasting_subscribe(struct redis *r, const char *place, const char *participant, const char *role, const char *hub, int held,
	following_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.following = done;
	args_str(&a, participant);
	args_str(&a, role);
	args_str(&a, hub);
	args_int(&a, held);
	redis_script(r, "lasting_subscribe", &a, subscribed, p);
}

static void has_left(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);

	p->done.settle(p->ctx, e, e == OK ? reply_int(reply_at(r, 1)) : 0, 0, false);
	free(p);
}

void lasting_leave(struct redis *r, const char *place, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.settle = done;
	call_leave(&a, participant, hub, held, readers, left_ms_ago);
	redis_script(r, "lasting_leave", &a, has_left, p);
}

static void settled(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);

	if (e == OK)
		p->done.settle(p->ctx, e, reply_int(reply_at(r, 1)), reply_int(reply_at(r, 2)), reply_int(reply_at(r, 3)) != 0);
	else
		p->done.settle(p->ctx, e, 0, 0, false);
	free(p);
}

void lasting_settle(struct redis *r, const char *place, const char *dead_hub, const char *hub, settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.settle = done;
	args_str(&a, dead_hub);
	args_str(&a, hub);
	redis_script(r, "lasting_settle", &a, settled, p);
}

/* ---- feeds ---- */

static void feed_came(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	bool no_lease;
	enum err e = call_hub_err(r, &no_lease);
	struct feed_page page = {0};

	if (e == OK && p->tail) {
		page.length = reply_int(reply_at(r, 1));
		page.entries = reply_at(r, 2);
	} else if (e == OK) {
		page.resumed = (enum resumed)reply_int(reply_at(r, 1));
		page.from.position = reply_int(reply_at(r, 2));
		snprintf(page.from.check, sizeof page.from.check, "%s", reply_text(reply_at(r, 3), NULL));
		page.length = reply_int(reply_at(r, 4));
		page.settle_at = reply_int(reply_at(r, 5));
		page.entries = reply_at(r, 6);
	}
	p->done.feed(p->ctx, e, no_lease, e == OK ? &page : NULL);
	free(p);
}

void feed_subscribe(struct redis *r, const char *place, const char *hub, int held, const struct cursor *cursor, feed_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.feed = done;
	args_str(&a, place + 1);
	args_str(&a, hub);
	args_int(&a, held);
	call_cursor(&a, cursor);
	args_int(&a, READ_MOST);
	call_hex(&a, ID_CHECK_LEN);
	redis_script(r, "feed_subscribe", &a, feed_came, p);
}

void feed_tail(struct redis *r, const char *place, const struct cursor *after, feed_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.feed = done;
	p->tail = true;
	args_int(&a, after->position);
	args_str(&a, after->check);
	args_int(&a, READ_MOST);
	redis_script(r, "feed_tail", &a, feed_came, p);
}

bool feed_parse(struct feed_line *out, int64_t feed_position, const char *bytes, size_t len)
{
	struct span rest = {bytes, len}, kind = span_line(&rest), check = span_line(&rest);

	memset(out, 0, sizeof *out);
	span_line(&rest); /* when */
	out->conversation = span_line(&rest);
	struct span position = span_line(&rest);
	if (kind.len != 1 || kind.at[0] != 'f' || check.len != ID_CHECK_LEN || out->conversation.len == 0 || out->conversation.len > ID_MAX)
		return false;
	out->position = span_number(position);
	out->cursor.position = feed_position;
	memcpy(out->cursor.check, check.at, ID_CHECK_LEN);
	out->entry = rest;
	return position.len > 0;
}
