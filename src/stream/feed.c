/* Readers of a user's feed: everything new in all of his lasting conversations. See own.h.
 *
 * Redis says which entries (the feed's own list), SQL what they are now. Without Redis the reader keeps the cursor it came with, and what comes is told without
 * one (look.c); when Redis is back it goes on after its cursor, less what it was told meanwhile, or with `reset`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/call.h"
#include "stream/own.h"

/* One question about one reader, which is held by r->calling meanwhile. */
struct question {
	struct work work;
	struct reader *reader;
	struct arena arena;
	bool alone, tail;
	enum resumed resumed;
	struct cursor from;
	int64_t length, settle_at;
	int64_t heard; /* the place's end when it was asked */
	struct follow_item *items;
	struct cursor *cursors; /* of the items, in the feed; check "": none of ours */
	int count, filled;
};

static const struct cursor nowhere = {0, "000000000000"}; /* holds nowhere */

static struct question *question_new(struct reader *r)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL)
		abort();
	q->reader = r;
	arena_init(&q->arena);
	q->heard = r->place->end;
	r->calling = true;
	r->missed = false;
	return q;
}

static void question_free(struct question *q)
{
	arena_done(&q->arena);
	free(q);
}

static void keep_page(struct question *q, const struct feed_page *page)
{
	q->resumed = page->resumed;
	q->length = page->length;
	q->settle_at = page->settle_at;
	if (!q->tail)
		q->from = page->from;
	q->items = arena_alloc(&q->arena, (reply_count(page->entries) + 1) * sizeof *q->items);
	q->cursors = arena_alloc(&q->arena, (reply_count(page->entries) + 1) * sizeof *q->cursors);
	for (size_t i = 0; i < reply_count(page->entries); i++) {
		struct feed_line line;
		size_t len;
		const char *bytes = reply_text(reply_at(page->entries, i), &len);
		struct follow_item *item = &q->items[q->count];
		bool ours = feed_parse(&line, q->from.position + (int64_t)i + 1, bytes, len);
		q->cursors[q->count++] = line.cursor;
		item->conversation = ours && line.position >= 0 ? arena_strndup(&q->arena, line.conversation.at, line.conversation.len) : "";
		item->position = line.position;
	}
}

/* ---- telling ---- */

static void write_data(struct buf *b, const char *conversation, const struct entry *e)
{
	static const char start[] = "\"conversationId\":\"";

	if (e->kind != ENTRY_EVENT || e->data.at[0] != '{' || memmem(e->data.at, e->data.len, start, sizeof start - 1) != NULL) {
		entry_data(b, conversation, e, 0);
		return;
	}
	buf_char(b, '{');
	BUF_LIT(b, "\"conversationId\":\"");
	buf_str(b, conversation);
	buf_str(b, e->data.len > 2 ? "\"," : "\"");
	buf_add(b, e->data.at + 1, e->data.len - 1);
}

void feed_give(struct reader *r, const struct cursor *at, const char *conversation, const struct entry *e)
{
	struct buf *data = &r->hub->scratch_data;
	int64_t position = e->cursor.position;
	char name[32];

	if (!reader_check_ticket(r))
		return;
	if (at != NULL)
		r->at = *at;
	if (own_shown(r->own->shown, conversation, position)) {
		r->own->behind = true;
		return;
	}
	if (at == NULL)
		own_show(&r->own->shown, conversation, position);
	buf_reset(data);
	write_data(data, conversation, e);
	answer_event(r, at, entry_event(e, name), data->data, data->len);
	if (at == NULL && r->poll) {
		r->has_delivery = true;
		reader_dirty(r);
	}
}

void feed_give_gone(struct reader *r, const struct cursor *at, const char *conversation, int64_t when)
{
	char data[ID_MAX + 80];

	if (at != NULL)
		r->at = *at;
	if (own_shown(r->own->shown, conversation, INT64_MAX)) {
		r->own->behind = true;
		return;
	}
	own_show(&r->own->shown, conversation, INT64_MAX);
	int n = snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"at\":%lld}", conversation, (long long)when);
	answer_event(r, at, "conversation:erased", data, (size_t)n);
}

/* The list was lost, and counts anew, when it is shorter than what had been heard of it before: that is no measure. News of the new one may have come in between. */
static void take_length(struct reader *r, const struct question *q)
{
	struct place *p = r->place;

	if (q->length < q->heard && p->end == q->heard) {
		p->end = q->length;
		r->missed = true;
	} else if (q->length > p->end) {
		p->end = q->length;
	}
}

static void give_page(struct reader *r, const struct question *q)
{
	take_length(r, q);
	for (int i = 0; i < q->filled && r->fd >= 0 && r->state == READER_CATCHING_UP; i++) {
		const struct follow_item *item = &q->items[i];
		struct entry e;
		if (item->line.bytes != NULL && entry_parse(&e, item->position, item->line.bytes, item->line.len)) {
			feed_give(r, &q->cursors[i], item->conversation, &e);
			continue;
		}
		if (item->gone || item->position == 0) {
			feed_give_gone(r, &q->cursors[i], item->conversation, clock_now_ms());
			continue;
		}
		r->at = q->cursors[i];
		r->own->behind = true;
	}
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		reader_go_on(r, q->length);
}

/* ---- beginning ---- */

static void tell_beginning(struct reader *r, const struct question *q)
{
	struct subscribed s = {.resumed = q->resumed, .from = r->at};
	struct buf marks;

	if (r->begun && s.resumed != RESUMED_NO)
		return;
	buf_init(&marks, OUT_MOST);
	buf_printf(&marks, "\"at\":%lld", (long long)clock_now_ms());
	s.marks = &marks;
	answer_ready(r, &s);
	buf_done(&marks);
}

static void begin(struct question *q)
{
	struct reader *r = q->reader;
	struct place *p = r->place;
	bool begins = !r->begun;

	r->own->registered = !q->alone;
	r->own->since = begins && !r->cursor_given ? clock_now_ms() : clock_now_ms() - (r->poll ? FEED_OVERLAP_POLL_MS : FEED_OVERLAP_MS);
	look_later(p);
	r->state = READER_CATCHING_UP;
	if (!q->alone) {
		r->at = q->from;
		place_settle_at(p, q->settle_at);
		take_length(r, q);
	} else if (begins && !r->cursor_given) {
		r->at = nowhere;
	}
	tell_beginning(r, q);
	reader_give_early(r, 0);
	if (begins)
		reader_started(r);
	if (r->fd < 0 || r->state != READER_CATCHING_UP)
		return;
	/* A poll that begins without a cursor is over at once. */
	bool wants = begins && (r->cursor_given || !r->poll);
	if (q->alone)
		r->state = READER_LIVE;
	else
		give_page(r, q);
	if (r->fd < 0 || r->place == NULL)
		return;
	feed_large_list(r->place); /* also when it begins anew: news may have been lost */
	if (wants)
		r->own->wants_unread = place_fed(r->place)->lists;
}

static enum err fill(struct db *d, struct work *w)
{
	struct question *q = (struct question *)w;
	const struct reader *r = q->reader;

	return follow_fill(d, &q->arena, r->who, r->own->login, q->items, q->count, READ_BYTES, &q->filled);
}

static void filled(struct work *w)
{
	struct question *q = (struct question *)w;
	struct reader *r = q->reader;

	if (own_still(r, q->tail ? READER_CATCHING_UP : READER_SUBSCRIBING)) {
		if (w->err != OK)
			reader_not_here(r, w->err);
		else if (q->tail)
			give_page(r, q);
		else
			begin(q);
	}
	question_free(q);
}

/* SQL is asked only when there is something to ask; r->calling is still set. */
static void go_to_sql(struct question *q)
{
	struct reader *r = q->reader;

	q->work.does = fill;
	q->work.done = filled;
	if (q->count > 0 || (r->own->login != NULL && !q->tail)) {
		r->calling = true;
		hub_work(r->hub, &q->work);
	} else {
		r->calling = false;
		if (q->tail)
			give_page(r, q);
		else
			begin(q);
		question_free(q);
	}
}

static void go_alone(struct question *q)
{
	q->alone = true;
	q->resumed = RESUMED_NO_CURSOR;
	go_to_sql(q);
}

static void subscribed(void *ctx, enum err e, bool no_lease, const struct feed_page *page)
{
	struct question *q = ctx;
	struct reader *r = q->reader;

	if (!own_still(r, READER_SUBSCRIBING)) {
		question_free(q);
		return;
	}
	if (no_lease)
		lease_lost(r->hub); /* under the new name all begin again */
	if (e != OK) {
		go_alone(q);
		return;
	}
	keep_page(q, page);
	go_to_sql(q);
}

void feed_begin(struct reader *r)
{
	struct hub *h = r->hub;
	struct question *q = question_new(r);

	r->state = READER_SUBSCRIBING;
	look_begin(h);
	if (look_alone(h)) {
		go_alone(q);
		return;
	}
	r->registered = true;
	feed_subscribe(h->commands, r->place->conversation, h->id, place_held(r->place, r->who), r->cursor_given || r->begun ? &r->at : NULL,
		subscribed, q);
}

/* ---- going on ---- */

static void tail_came(void *ctx, enum err e, bool no_lease, const struct feed_page *page)
{
	struct question *q = ctx;
	struct reader *r = q->reader;

	(void)no_lease;
	if (own_still(r, READER_CATCHING_UP)) {
		if (e == OK) {
			keep_page(q, page);
			go_to_sql(q);
			return;
		}
		if (e == ERR_CONFLICT) {
			feed_begin(r); /* the list was lost: it is told so by reset */
		} else {
			r->own->registered = false; /* it begins again when Redis is back */
			r->state = READER_LIVE;
		}
	}
	question_free(q);
}

void feed_read_on(struct reader *r)
{
	struct question *q = question_new(r);

	r->state = READER_CATCHING_UP;
	q->tail = true;
	q->from = r->at;
	feed_tail(r->hub->commands, r->place->conversation, &r->at, tail_came, q);
}

/* ---- news ---- */

void feed_erasure(struct place *p, struct span text)
{
	char conversation[ID_MAX + 1];
	struct feed_line line;

	if (!feed_parse(&line, 0, text.at, text.len) || line.position != 0)
		return;
	memcpy(conversation, line.conversation.at, line.conversation.len);
	conversation[line.conversation.len] = '\0';
	own_show(&place_fed(p)->shown, conversation, INT64_MAX);
}

void feed_news(struct place *p, int64_t position, bool follows, struct span text)
{
	char conversation[ID_MAX + 1];
	struct feed_line line;
	struct entry e;

	if (!feed_parse(&line, position, text.at, text.len))
		return;
	if (position > p->end)
		p->end = position;
	memcpy(conversation, line.conversation.at, line.conversation.len);
	conversation[line.conversation.len] = '\0';
	bool gone = line.position == 0, erased = !gone && own_shown(place_fed(p)->shown, conversation, INT64_MAX);
	bool whole = !erased && entry_parse(&e, line.position, line.entry.at, line.entry.len);
	if (!erased && position > 0)
		own_show(&place_fed(p)->shown, conversation, gone ? INT64_MAX : line.position);
	if (whole && follows)
		feed_large_joined(p, conversation, line.position);
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state != READER_LIVE || !r->own->registered || position <= r->at.position)
			continue; /* who is not live yet reads on to the place's end */
		if (gone && position == r->at.position + 1)
			feed_give_gone(r, &line.cursor, conversation, clock_now_ms());
		else if (whole && position == r->at.position + 1)
			feed_give(r, &line.cursor, conversation, &e);
		else
			reader_read_on(r);
	}
}
