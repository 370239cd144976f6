/* What only looks into a lasting conversation: pages of messages, who is here, and whether somebody may type or be alive there. On threads of the database pool. */
#include <string.h>

#include <stdio.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/call.h"
#include "chat/entry.h"
#include "chat/lasting_log.h"
#include "chat/rights.h"
#include "store/dbpool.h"
#include "store/keys.h"
#include "store/store.h"

#define PRESENCE_MOST 200 /* members that are shown */

struct look {
	struct arena arena;
	struct ticket by;
	union {
		message_done *message;
		signal_done *signal;
		presence_done *presence;
	} done;
	void *ctx;

	/* a page */
	char mode;
	struct cursor from;
	long limit;
	const char *thread;

	bool flag; /* is typing; has a cursor */
	struct conversation c;
	struct entry_line *lines;
	int count;
	int64_t first, last;
	char mark[ENTRY_MARK_LEN + 1];
	struct member *members;
};

static struct look *look_new(const struct ticket *by, void *ctx)
{
	struct look *l = call_alloc(sizeof *l);

	arena_init(&l->arena);
	l->by = *by;
	l->ctx = ctx;
	return l;
}

static void look_free(struct look *l)
{
	arena_done(&l->arena);
	free(l);
}

/* The conversation as the asker sees it, and whether he may. */
static enum err enter(struct db *d, struct look *l, enum right right)
{
	enum err e;

	if (l->by.kind != TICKET_USER)
		return ERR_FORBIDDEN;
	e = conversations_get(d, &l->arena, l->by.conversation, l->by.participant, &l->c);
	if (e == OK && !rights_may(l->c.me.role, l->c.type, right))
		e = ERR_FORBIDDEN;
	return e;
}

/* ---- a page of messages ---- */

static void add_link(struct buf *b, const char *name, const struct message *m)
{
	buf_printf(b, ",\"%s\":", name);
	if (m)
		buf_printf(b, "\"%lld-%.*s\"", (long long)m->id, (int)m->check.len, m->check.at);
	else
		BUF_LIT(b, "null");
}

static enum err write_page(struct buf *b, const struct look *l)
{
	struct entry entry = {0}, first = {0};

	BUF_LIT(b, "{\"messages\":[");
	for (int i = 0; i < l->count; i++) {
		if (!entry_parse(&entry, l->lines[i].position, l->lines[i].bytes, l->lines[i].len))
			return ERR_INTERNAL;
		if (i == 0)
			first = entry;
		else
			buf_char(b, ',');
		message_json(b, l->by.conversation, &entry.message, 0);
	}
	buf_char(b, ']');
	add_link(b, "next", l->count > 0 && entry.message.id < l->last ? &entry.message : NULL);
	add_link(b, "previous", l->count > 0 && first.message.id > l->first ? &first.message : NULL);
	buf_printf(b, ",\"cursor\":\"%lld-%s\"}", (long long)l->c.length, l->mark);
	return buf_ok(b) ? OK : ERR_INTERNAL;
}

/* All of one instant. */
static enum err read_page(struct db *d, void *ctx)
{
	struct look *l = ctx;
	bool holds = true;
	enum err e = enter(d, l, RIGHT_READ);

	if (e == OK && l->mode != 'n')
		e = entries_holds(d, &l->c, l->from.position, l->from.check, &holds);
	if (e == OK && !holds)
		return ERR_BAD_REQUEST;
	if (e == OK && l->thread)
		e = entries_is_thread(d, &l->c, l->thread);
	if (e == OK)
		e = entries_page(d, &l->arena, &l->c, l->mode, l->from.position, l->thread, (int)l->limit, READ_BYTES, &l->lines, &l->count,
			&l->first, &l->last);
	return e == OK ? entries_end(d, &l->c, l->mark) : e;
}

static void show_page(struct db *d, void *ctx)
{
	struct look *l = ctx;
	enum err e = d ? db_read(d, read_page, l) : ERR_STORE_UNAVAILABLE;
	struct message_sent m = {0};
	struct buf json;

	buf_init(&json, 16 * READ_BYTES);
	if (e == OK)
		e = write_page(&json, l);
	m.json = json.data;
	m.json_len = json.len;
	l->done.message(l->ctx, e, &m);
	buf_done(&json);
	look_free(l);
}

void log_lasting_page(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx)
{
	const char *from = after ? after : before;
	struct cursor c = {0};
	struct look *l;

	if ((after && before) || (from && !cursor_parse(&c, from))) {
		done(ctx, ERR_BAD_REQUEST, &(struct message_sent){0});
		return;
	}
	l = look_new(by, ctx);
	l->done.message = done;
	l->mode = after ? 'a' : before ? 'b' : 'n';
	l->from = c;
	l->limit = limit < READ_MOST ? limit : READ_MOST;
	l->thread = arena_strdup(&l->arena, thread);
	if (dbpool_run(show_page, l) != OK)
		show_page(NULL, l);
}

/* ---- typing, being alive ---- */

static void end_signal(struct look *l, enum err e)
{
	l->done.signal(l->ctx, e);
	look_free(l);
}

static void look_at_typing(struct db *d, void *ctx)
{
	struct look *l = ctx;
	enum err e = d ? enter(d, l, RIGHT_SEND) : ERR_STORE_UNAVAILABLE;

	if (e == OK && strcmp(l->c.status, "completed") == 0)
		e = ERR_SESSION_ENDED;
	if (e == OK && l->c.me.silenced_until > clock_now_ms())
		e = ERR_FORBIDDEN;
	if (e == OK)
		lasting_tell_typing(&l->by, l->c.me.role, l->flag);
	end_signal(l, e);
}

static void run_signal(
	void (*fn)(struct db *d, void *ctx), const struct ticket *by, bool flag, const struct cursor *c, signal_done *done, void *ctx)
{
	struct look *l = look_new(by, ctx);

	l->done.signal = done;
	l->flag = flag;
	if (c)
		l->from = *c;
	if (dbpool_run(fn, l) != OK)
		fn(NULL, l);
}

void log_lasting_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx)
{
	run_signal(look_at_typing, by, is_typing, NULL, done, ctx);
}

/* Mostly nothing moves: only then it is written. */
static void look_at_life(struct db *d, void *ctx)
{
	struct look *l = ctx;
	bool holds = true;
	enum err e = d ? enter(d, l, RIGHT_READ) : ERR_STORE_UNAVAILABLE;

	if (e == OK && l->flag && l->from.position > l->c.me.delivered_to) {
		lasting_mark(&l->by, &l->from, true, l->done.signal, l->ctx);
		look_free(l);
		return;
	}
	if (e == OK && l->flag)
		e = entries_holds(d, &l->c, l->from.position, l->from.check, &holds);
	if (e == OK && !holds)
		e = ERR_BAD_REQUEST;
	if (e == OK)
		lasting_tell_life(&l->by, l->c.me.role, true);
	end_signal(l, e);
}

void log_lasting_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx)
{
	struct cursor c = {0};

	if (cursor && !cursor_parse(&c, cursor))
		done(ctx, ERR_BAD_REQUEST);
	else
		run_signal(look_at_life, by, cursor != NULL, &c, done, ctx);
}

/* ---- presence ---- */

static void show_presence(struct look *l, enum err e, const struct reply *online)
{
	struct presence_one *who = arena_alloc(&l->arena, (size_t)(l->count + 1) * sizeof *who);
	struct presence p = {who, l->count};

	for (int i = 0; e == OK && i < l->count; i++) {
		who[i] =
			(struct presence_one){l->members[i].participant, l->members[i].role, strcmp(l->members[i].participant, l->by.participant) == 0};
		for (size_t k = 0; k < reply_count(online); k++)
			who[i].online |= strcmp(reply_text(reply_at(online, k), NULL), who[i].id) == 0;
	}
	l->done.presence(l->ctx, e, &p);
	look_free(l);
}

/* Without Redis nobody is known to be here but who asks. */
static void seen(void *ctx, const struct reply *r)
{
	show_presence(ctx, OK, call_err(r, NULL) == OK ? reply_at(r, 1) : NULL);
}

static void look_at_presence(struct db *d, void *ctx)
{
	struct look *l = ctx;
	enum err e = d ? enter(d, l, RIGHT_SEE) : ERR_STORE_UNAVAILABLE;
	char place[ID_MAX + 2];
	struct args a;

	if (e == OK)
		e = conversations_members(d, &l->arena, l->c.n, PRESENCE_MOST, &l->members, &l->count);
	if (e != OK || !announce_possible()) {
		show_presence(l, e, NULL);
		return;
	}
	snprintf(place, sizeof place, "=%s", l->by.conversation);
	args_init(&a);
	keys_conversation(&a, place);
	args_str(&a, l->by.participant);
	args_str(&a, l->c.me.role);
	redis_script(store_commands(), "lasting_presence", &a, seen, l);
}

void log_lasting_presence(const struct ticket *by, presence_done *done, void *ctx)
{
	struct look *l = look_new(by, ctx);

	l->done.presence = done;
	if (dbpool_run(look_at_presence, l) != OK)
		look_at_presence(NULL, l);
}
