/* Messages to MainServer: see tell.h. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "outside/mainserver.h"
#include "store/webhooks.h"
#include "worker/tell.h"

#define BODY_MOST (64 * 1024)

enum err tell_item(struct db *d, const struct tell_item *t, const json_t *data)
{
	struct webhooks_item item = {.type = t->type,
		.conversation = t->conversation,
		.request_id = t->request_id && *t->request_id ? t->request_id : NULL,
		.created_at = clock_now_ms()};
	struct buf body;
	char id[65];
	enum err e;

	if (!*config_text("ROOM_WEBHOOK_URL"))
		return OK;
	webhooks_id(id, t->key ? t->key : t->type, t->conversation, t->key_ms);
	buf_init(&body, BODY_MOST);
	mainserver_event(&body, t->type, t->at_ms, data);
	item.id = id;
	item.payload = body.data;
	item.next_at = item.created_at;
	e = buf_ok(&body) ? webhooks_add(d, &item) : ERR_INTERNAL;
	buf_done(&body);
	return e;
}

enum err tell(struct db *d, const char *type, const char *conversation, int64_t key_ms, int64_t at_ms, const json_t *data)
{
	return tell_item(d, &(struct tell_item){.type = type, .conversation = conversation, .key_ms = key_ms, .at_ms = at_ms}, data);
}
