/* See conversation.h. Called by api/conversations and api/chats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "chat/announce.h"
#include "chat/conversation.h"
#include "chat/rate.h"
#include "store/conversations_change.h"
#include "store/entries.h"

#define MORE_MAX (16 * 1024)
enum { PORTION = 1000, PORTIONS = 4 };

const char *conversation_asker(const struct ticket *by)
{
	return by->kind == TICKET_SERVICE ? NULL : by->participant;
}

const char *conversation_role(const struct conversation *c, const struct ticket *by)
{
	return by->kind == TICKET_SERVICE ? RIGHTS_SERVICE : c->me.role ? c->me.role : "";
}

enum err conversation_may(const struct conversation *c, const struct ticket *by, enum right right)
{
	return rights_may(conversation_role(c, by), c->type, right) ? OK : ERR_FORBIDDEN;
}

enum err conversation_tell(struct db *d, struct conversation *c, const struct ticket *by, const char *event, const char *more, int64_t now)
{
	struct buf data;
	enum err e;

	buf_init(&data, MORE_MAX);
	buf_printf(&data, "{\"conversationId\":\"%s\"", c->id);
	if (by->kind == TICKET_SERVICE)
		BUF_LIT(&data, ",\"by\":null");
	else
		buf_printf(&data, ",\"by\":\"%s\"", by->participant);
	buf_printf(&data, ",\"at\":%lld%s%s}", (long long)now, *more ? "," : "", more);
	e = buf_ok(&data) ? entries_event(d, c, event, data.data, now, NULL) : ERR_INTERNAL;
	buf_done(&data);
	return e;
}

enum err conversation_turn(struct db *d, const struct conversation *c, const struct ticket *by, int64_t now, int *retry_after_s)
{
	char next[RATE_TEXT_MAX];
	int64_t wait_ms;

	*retry_after_s = 0;
	if (by->kind == TICKET_SERVICE)
		return OK;
	wait_ms = rate_take(c->me.rate, now, next);
	if (wait_ms == 0)
		return entries_rate(d, c, by->participant, next);
	*retry_after_s = (int)((wait_ms + 999) / 1000);
	return ERR_RATE_LIMITED;
}

/* ---- making ---- */

struct creation {
	struct arena *arena;
	const struct ticket *by;
	const struct conversation_make *make;
	const char *id;
	bool made;
	struct quota_wait *wait;
};

/* Whom he names comes in by him. */
static enum err may_make(struct db *d, const struct creation *k)
{
	enum err e = quota_take(d, k->by, QUOTA_CONVERSATIONS, 1, k->wait);

	return e == OK ? quota_take(d, k->by, QUOTA_INVITES, k->make->count - 1, k->wait) : e;
}

static enum err create(struct db *d, void *ctx)
{
	struct creation *k = ctx;
	int64_t now = clock_now_ms();
	struct conversation c;
	char more[100];
	enum err e = conversations_make(d, k->arena, k->make, now, &k->id, &k->made);

	if (e == OK && k->made)
		e = may_make(d, k);
	if (e != OK || !k->made)
		return e;
	snprintf(more, sizeof more, "\"type\":\"%s\"", k->make->type);
	e = conversations_lock(d, k->arena, k->id, NULL, &c);
	if (e == OK)
		e = conversation_tell(d, &c, k->by, "conversation:created", more, now);
	return e;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct conversation_person *)a)->id, ((const struct conversation_person *)b)->id);
}

/* Everything that was asked for, as one text: people in a fixed order. */
static void print_of(struct buf *out, struct arena *a, const struct conversation_make *m)
{
	struct conversation_person *sorted = arena_alloc(a, (size_t)m->count * sizeof *sorted + 1);

	for (int i = 0; i < m->count; i++)
		sorted[i] = m->people[i];
	qsort(sorted, (size_t)m->count, sizeof *sorted, by_id);
	buf_printf(out, "%s\n%s\n%s\n%lld\n%s\n", m->type, m->channel, m->title, (long long)m->retention_s, m->metadata ? m->metadata : "");
	for (int i = 0; i < m->count; i++)
		buf_printf(out, "%s %s\n", sorted[i].id, sorted[i].role);
}

enum err conversation_create(struct db *d, struct arena *a, const struct ticket *by, struct conversation_make *m, const char *client_id,
	const char **id, bool *made, struct quota_wait *wait)
{
	struct creation k = {.arena = a, .by = by, .make = m, .wait = wait};
	char pair[2 * ID_MAX + 2], made_as[2 * ID_MAX + 2];
	struct conversation c;
	struct buf print;
	enum err e;

	*wait = (struct quota_wait){0};
	buf_init(&print, 1 << 20);
	m->by = by->participant;
	m->status = "active";
	if (strcmp(m->type, "direct") == 0) {
		int first = strcmp(m->people[0].id, m->people[1].id) < 0 ? 0 : 1;
		snprintf(pair, sizeof pair, "%s %s", m->people[first].id, m->people[1 - first].id);
		m->pair = pair;
	}
	if (client_id) {
		snprintf(made_as, sizeof made_as, "%s %s", by->participant, client_id);
		m->made_as = made_as;
		print_of(&print, a, m);
		m->print = print.data;
	}
	e = buf_ok(&print) ? db_write(d, create, &k) : ERR_TOO_LARGE;
	buf_done(&print);
	if (e == OK && k.made)
		announce(k.id);
	else if (e == OK && conversations_get(d, a, k.id, conversation_asker(by), &c) == ERR_NOT_FOUND)
		e = ERR_CONFLICT;
	*id = k.id;
	*made = k.made;
	return e;
}

/* ---- changing ---- */

struct changing {
	const struct ticket *by;
	const char *id;
	const struct conversation_change *change;
	bool changed;
	int retry_after_s;
};

static bool text_moves(const char **was, const char *to)
{
	if (!to || (*was && strcmp(*was, to) == 0))
		return false;
	*was = to;
	return true;
}

static void tell_text(struct buf *more, const char *name, const char *value)
{
	buf_printf(more, "%s\"%s\":", more->len ? "," : "", name);
	buf_json(more, value, strlen(value));
}

/* Brings c to what is wanted, and notes what that changes as members of the event. */
static void apply(struct conversation *c, const struct conversation_change *to, struct buf *more)
{
	const char *metadata = c->metadata ? c->metadata : "{}";

	if (text_moves(&c->title, to->title))
		tell_text(more, "title", c->title);
	if (text_moves(&c->channel, to->channel))
		tell_text(more, "channel", c->channel);
	if (text_moves(&c->status, to->status))
		tell_text(more, "status", c->status);
	if (text_moves(&metadata, to->metadata)) {
		buf_printf(more, "%s\"metadata\":%s", more->len ? "," : "", metadata);
		c->metadata = strcmp(metadata, "{}") == 0 ? NULL : metadata;
	}
	if (to->retention && to->retention_s != c->retention_s) {
		c->retention_s = to->retention_s;
		buf_printf(more, "%s\"retentionS\":", more->len ? "," : "");
		if (c->retention_s < 0)
			BUF_LIT(more, "null");
		else
			buf_int(more, c->retention_s);
	}
}

static enum err may_change(const struct conversation *c, const struct ticket *by, const struct conversation_change *to)
{
	enum err e = conversation_may(c, by, RIGHT_SEE);

	if (e == OK && (to->title || to->channel || to->metadata))
		e = conversation_may(c, by, RIGHT_RENAME);
	if (e == OK && to->status)
		e = conversation_may(c, by, RIGHT_STATUS);
	if (e == OK && to->retention)
		e = conversation_may(c, by, RIGHT_RETENTION);
	return e;
}

static enum err change(struct db *d, void *ctx)
{
	struct changing *k = ctx;
	int64_t now;
	struct conversation c;
	struct arena arena;
	struct buf more;
	enum err e;

	arena_init(&arena);
	buf_init(&more, MORE_MAX - 200);
	k->changed = false;
	k->retry_after_s = 0;
	e = conversations_lock(d, &arena, k->id, conversation_asker(k->by), &c);
	now = clock_now_ms();
	if (e == OK)
		e = may_change(&c, k->by, k->change);
	if (e == OK)
		apply(&c, k->change, &more);
	k->changed = e == OK && more.len > 0;
	if (k->changed)
		e = buf_ok(&more) ? conversation_turn(d, &c, k->by, now, &k->retry_after_s) : ERR_TOO_LARGE;
	if (e == OK && k->changed)
		e = conversations_update(d, &c);
	if (e == OK && k->changed)
		e = conversation_tell(d, &c, k->by, "conversation:updated", more.data, now);
	buf_done(&more);
	arena_done(&arena);
	return e;
}

enum err conversation_change(
	struct db *d, const struct ticket *by, const char *id, const struct conversation_change *wanted, int *retry_after_s)
{
	struct changing k = {.by = by, .id = id, .change = wanted};
	enum err e = db_write(d, change, &k);

	if (e == OK && k.changed)
		announce(id);
	*retry_after_s = e == ERR_RATE_LIMITED ? k.retry_after_s : 0;
	return e;
}

/* ---- erasing ---- */

static enum err erase(struct db *d, void *ctx)
{
	struct changing *k = ctx;
	struct conversation c;
	struct arena arena;
	enum err e;

	arena_init(&arena);
	e = conversations_lock(d, &arena, k->id, conversation_asker(k->by), &c);
	if (e == OK)
		e = conversation_may(&c, k->by, RIGHT_ERASE);
	if (e == OK)
		e = conversations_erase(d, &c, clock_now_ms());
	arena_done(&arena);
	return e;
}

void conversation_sweep(struct db *d)
{
	bool more = true;

	for (int i = 0; i < PORTIONS && more; i++)
		if (conversations_sweep(d, PORTION, &more) != OK)
			return;
}

enum err conversation_erase(struct db *d, const struct ticket *by, const char *id)
{
	struct changing k = {.by = by, .id = id};
	enum err e = db_write(d, erase, &k);

	if (e == OK) {
		announce(id);
		conversation_sweep(d);
	}
	return e;
}
