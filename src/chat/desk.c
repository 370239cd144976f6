/* See desk.h. Called by api/desk.c and stream/desk.c. */
#include "chat/desk.h"

#include <stdio.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/call.h"
#include "chat/cursor.h"
#include "store/keys.h"

enum { LIST_MAX_BYTES = 4 * 1024 * 1024, ROW_MAX_BYTES = 2048 };

/* ---- which conversations ---- */

/* One question to each bucket. The replies come on one thread, so that nothing here needs a lock. */
struct asking {
	desk_ids_done *done;
	void *ctx;
	enum err e;
	bool no_lease;
	unsigned left;
	char **ids;
	size_t count, room;
};

static void add_id(struct asking *q, const char *id)
{
	if (q->count == q->room) {
		q->room = q->room ? 2 * q->room : 64;
		q->ids = realloc(q->ids, q->room * sizeof *q->ids);
		if (q->ids == NULL)
			abort();
	}
	q->ids[q->count] = strdup(id);
	if (q->ids[q->count++] == NULL)
		abort();
}

static void bucket_came(void *ctx, const struct reply *r)
{
	struct asking *q = ctx;
	bool no_lease;
	enum err e = call_hub_err(r, &no_lease);

	q->no_lease |= no_lease;
	if (e != OK)
		q->e = e;
	for (size_t i = 1; e == OK && i < reply_count(r) && q->count < DESK_MOST; i++)
		add_id(q, reply_text(reply_at(r, i), NULL));
	if (--q->left > 0)
		return;
	q->done(q->ctx, q->e, q->no_lease, (const char *const *)q->ids, q->e == OK ? q->count : 0);
	for (size_t i = 0; i < q->count; i++)
		free(q->ids[i]);
	free(q->ids);
	free(q);
}

void desk_ids(struct redis *r, const char *counselor, const char *hub, desk_ids_done *done, void *ctx)
{
	unsigned buckets = keys_buckets();
	struct asking *q = call_alloc(sizeof *q);

	assert(buckets > 0);

	*q = (struct asking){.done = done, .ctx = ctx, .left = buckets};
	for (unsigned b = 0; b < buckets; b++) {
		struct args a;
		args_init(&a);
		keys_desk(&a, b, counselor);
		args_str(&a, counselor);
		args_str(&a, hub);
		args_int(&a, DESK_HUB_MS);
		args_int(&a, DESK_MOST);
		redis_script(r, "desk_list", &a, bucket_came, q);
	}
}

static void nothing(void *ctx, const struct reply *r)
{
	(void)ctx;
	(void)r;
}

void desk_leave(struct redis *r, const char *counselor, const char *hub)
{
	for (unsigned b = 0; b < keys_buckets(); b++) {
		struct args a;
		args_init(&a);
		args_printf(&a, "{%u}:desk:%s:hubs", b, counselor);
		a.keys = 1;
		args_str(&a, hub);
		redis_script(r, "desk_leave", &a, nothing, NULL);
	}
}

/* ---- one row ---- */

struct looking {
	desk_look_done *done;
	void *ctx;
	char conversation[ID_MAX + 1];
};

static void add_time(struct buf *b, const char *name, const struct reply *at)
{
	int64_t ms = reply_int(at);

	BUF_LIT(b, ",\"");
	buf_str(b, name);
	BUF_LIT(b, "\":");
	if (ms > 0)
		buf_int(b, ms);
	else
		BUF_LIT(b, "null");
}

static void add_bool(struct buf *b, const char *name, bool is)
{
	BUF_LIT(b, ",\"");
	buf_str(b, name);
	buf_str(b, is ? "\":true" : "\":false");
}

/* Ids and our own words: nothing to escape. The reply is desk_look.lua's. */
static void write_row(struct buf *b, const char *conversation, const struct reply *r)
{
	const char *status = reply_text(reply_at(r, 1), NULL), *summary = reply_text(reply_at(r, 12), NULL);
	bool active = strcmp(status, "active") == 0, here = reply_int(reply_at(r, 6)) != 0, met = reply_int(reply_at(r, 11)) != 0;
	struct cursor end = {.position = reply_int(reply_at(r, 13))};
	char cursor[CURSOR_TEXT_MAX];

	snprintf(end.check, sizeof end.check, "%s", reply_text(reply_at(r, 14), NULL));
	cursor_print(cursor, &end);
	buf_printf(b, "{\"conversationId\":\"%s\",\"status\":\"%s\"", conversation, status);
	add_time(b, "createdAt", reply_at(r, 2));
	add_time(b, "expiresAt", reply_at(r, 3));
	add_time(b, "lastActivityAt", reply_at(r, 4));
	add_time(b, "assignedAt", reply_at(r, 9));
	add_bool(b, "handedOver", reply_int(reply_at(r, 10)) != 0);
	buf_printf(b, ",\"role\":\"%s\",\"studentAnonymousId\":\"%s\"", reply_text(reply_at(r, 15), NULL), reply_text(reply_at(r, 5), NULL));
	add_bool(b, "studentOnline", here);
	BUF_LIT(b, ",\"unread\":");
	buf_int(b, reply_int(reply_at(r, 7)));
	/* Somebody wrote and got no answer yet, or is here and was never met. */
	add_bool(b, "waiting", active && (reply_int(reply_at(r, 8)) > 0 || (here && !met)));
	if (active)
		add_time(b, "waitingSince", reply_at(r, 8));
	else
		BUF_LIT(b, ",\"waitingSince\":null");
	if (*summary)
		buf_printf(b, ",\"summary\":\"%s\"", summary);
	else
		BUF_LIT(b, ",\"summary\":null");
	buf_printf(b, ",\"cursor\":\"%s\"}", cursor);
}

static void looked(void *ctx, const struct reply *r)
{
	struct looking *l = ctx;
	struct desk_seen s = {0};
	enum err e = call_err(r, NULL);
	struct buf row;

	buf_init(&row, ROW_MAX_BYTES);
	if (e == OK && strcmp(reply_text(reply_at(r, 1), NULL), "gone") == 0) {
		s.gone = reply_text(reply_at(r, 2), NULL);
	} else if (e == OK) {
		write_row(&row, l->conversation, r);
		s.json = row.data;
		s.json_len = row.len;
		s.look_at = reply_int(reply_at(r, 16));
		e = buf_ok(&row) ? OK : ERR_INTERNAL;
	}
	l->done(l->ctx, e, &s);
	buf_done(&row);
	free(l);
}

void desk_look(struct redis *r, const char *counselor, const char *conversation, desk_look_done *done, void *ctx)
{
	struct looking *l = call_alloc(sizeof *l);
	struct args a;

	l->done = done;
	l->ctx = ctx;
	snprintf(l->conversation, sizeof l->conversation, "%s", conversation);
	args_init(&a);
	keys_conversation(&a, conversation);
	args_str(&a, counselor);
	redis_script(r, "desk_look", &a, looked, l);
}

/* ---- the whole list ---- */

struct listing {
	desk_list_done *done;
	void *ctx;
	struct redis *redis;
	enum err e;
	size_t left;
	struct buf json;
	char counselor[ID_MAX + 1];
};

static void listed(struct listing *l)
{
	BUF_LIT(&l->json, "],\"at\":");
	buf_int(&l->json, clock_now_ms());
	buf_char(&l->json, '}');
	l->done(l->ctx, l->e, &l->json);
	buf_done(&l->json);
	free(l);
}

static void row_came(void *ctx, enum err e, const struct desk_seen *s)
{
	struct listing *l = ctx;

	if (e != OK) {
		l->e = e;
	} else if (s->gone == NULL) {
		if (l->json.data[l->json.len - 1] != '[')
			buf_char(&l->json, ',');
		buf_add(&l->json, s->json, s->json_len);
	}
	if (--l->left == 0)
		listed(l);
}

static void ids_came(void *ctx, enum err e, bool no_lease, const char *const *ids, size_t n)
{
	struct listing *l = ctx;

	(void)no_lease;
	l->e = e;
	l->left = n;
	for (size_t i = 0; i < n; i++)
		desk_look(l->redis, l->counselor, ids[i], row_came, l);
	if (n == 0)
		listed(l);
}

void desk_list(struct redis *r, const char *counselor, desk_list_done *done, void *ctx)
{
	struct listing *l = call_alloc(sizeof *l);

	l->done = done;
	l->ctx = ctx;
	l->redis = r;
	snprintf(l->counselor, sizeof l->counselor, "%s", counselor);
	buf_init(&l->json, LIST_MAX_BYTES);
	BUF_LIT(&l->json, "{\"sessions\":[");
	desk_ids(r, counselor, NULL, ids_came, l);
}
