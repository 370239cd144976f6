#include "chat/following.h"

#include <string.h>

#include "chat/call.h"
#include "store/keys.h"

struct pending {
	union {
		following_done *following;
		settle_done *leave;
		lasting_settle_done *settle;
	} done;
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
	bool no_lease = strcmp(reply_text(reply_at(r, 0), NULL), "NO_LEASE") == 0;
	enum err e = no_lease ? ERR_STORE_UNAVAILABLE : call_err(r, NULL);
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

	p->done.leave(p->ctx, e, e == OK ? reply_int(reply_at(r, 1)) : 0, 0);
	free(p);
}

void lasting_leave(struct redis *r, const char *place, const char *participant, const char *hub, int held, int readers, int64_t left_ms_ago,
	settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.leave = done;
	args_str(&a, participant);
	args_str(&a, hub);
	args_int(&a, held);
	args_int(&a, readers);
	if (left_ms_ago >= 0)
		args_int(&a, left_ms_ago);
	else
		args_str(&a, "");
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

void lasting_settle(struct redis *r, const char *place, const char *dead_hub, const char *hub, lasting_settle_done *done, void *ctx)
{
	struct args a;
	struct pending *p = begin(&a, place, ctx);

	p->done.settle = done;
	args_str(&a, dead_hub);
	args_str(&a, hub);
	redis_script(r, "lasting_settle", &a, settled, p);
}
