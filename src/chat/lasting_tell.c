/* What passes in lasting conversations, by way of Redis: marks, what one muted, typing, signs of life. Told and forgotten: nobody waits for it, and without Redis it is not told. */
#include <stdio.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/call.h"
#include "chat/lasting_log.h"
#include "store/keys.h"
#include "store/store.h"

static void forgotten(void *ctx, const struct reply *r)
{
	(void)ctx;
	(void)call_err(r, NULL); /* a mistake in the script is logged there */
}

static void begin(struct args *a, char kind, const char *id)
{
	char place[ID_MAX + 2];

	snprintf(place, sizeof place, "%c%s", kind, id);
	args_init(a);
	keys_conversation(a, place);
}

static void pass(struct args *a, const struct ticket *by, const char *role, bool regularly)
{
	begin(a, '=', by->conversation);
	args_str(a, by->participant);
	args_str(a, role);
	args_str(a, regularly ? "1" : "0");
}

/* To one's own feed, and a sign of life there. */
static void tell_own(const struct ticket *by, const char *event, const char *data)
{
	struct args a;

	begin(&a, '@', by->participant);
	args_str(&a, by->participant);
	args_str(&a, event);
	args_str(&a, data);
	redis_script(store_commands(), "lasting_own", &a, forgotten, NULL);
}

static void add_receipt(struct args *a, const char *event, const struct work *w)
{
	args_str(a, event);
	args_str(a, "");
	args_printf(a, "{\"participant\":\"%s\",\"upTo\":%lld,\"at\":%lld}", w->by.participant, (long long)w->up_to.position,
		(long long)clock_now_ms());
}

void lasting_tell_mark(const struct work *w)
{
	struct args a;
	char data[160];

	if (!announce_possible())
		return;
	pass(&a, &w->by, w->out.role, w->delivered_only);
	if (w->out.delivered_moved)
		add_receipt(&a, "receipt:delivered", w);
	if (w->out.read_moved)
		add_receipt(&a, "receipt:read", w);
	redis_script(store_commands(), "lasting_pass", &a, forgotten, NULL);
	snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"unread\":%lld}", w->by.conversation, (long long)w->out.unread);
	tell_own(&w->by, w->out.read_moved ? "unread" : "", data);
}

void lasting_tell_mute(const struct ticket *by, bool muted)
{
	char data[160];

	if (!announce_possible())
		return;
	snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"muted\":%s}", by->conversation, muted ? "true" : "false");
	tell_own(by, "muted", data);
}

void lasting_tell_typing(const struct ticket *by, const char *role, bool is_typing)
{
	struct args a;

	if (!announce_possible())
		return;
	pass(&a, by, role, false);
	args_str(&a, "user:typing");
	args_str(&a, by->participant);
	args_printf(&a, "{\"participant\":\"%s\",\"role\":\"%s\",\"isTyping\":%s}", by->participant, role, is_typing ? "true" : "false");
	redis_script(store_commands(), "lasting_pass", &a, forgotten, NULL);
	if (is_typing) /* who stops may be about to go: no sign of life */
		tell_own(by, "", "");
}

void lasting_tell_life(const struct ticket *by, const char *role, bool regularly)
{
	struct args a;

	if (!announce_possible())
		return;
	pass(&a, by, role, regularly);
	redis_script(store_commands(), "lasting_pass", &a, forgotten, NULL);
	tell_own(by, "", "");
}
