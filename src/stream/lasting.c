/* Readers of lasting conversations: beginning, going on. See own.h. */
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
	struct follow in;
	struct follow_found found;
	bool gone; /* not only for him: it was erased */
};

static struct question *question_new(struct reader *r)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL)
		abort();
	q->reader = r;
	arena_init(&q->arena);
	q->in = (struct follow){
		.conversation = arena_strdup(&q->arena, r->place->conversation + 1), /* the place may go before the answer comes */
		.participant = r->who,
		.login = r->own->login,
		.thread = r->own->thread,
		.position = r->at.position,
		.check = arena_strdup(&q->arena, r->at.check),
		.most = READ_MOST,
		.bytes = READ_BYTES,
	};
	r->calling = true;
	r->missed = false;
	return q;
}

static void question_free(struct question *q)
{
	arena_done(&q->arena);
	free(q);
}

static enum err ask(struct db *d, struct work *w)
{
	struct question *q = (struct question *)w;
	enum err e = follow_find(d, &q->arena, &q->in, &q->found), looked = e;
	int64_t length = 0;

	if (e == ERR_NOT_FOUND)
		looked = follow_lengths(d, &q->in.conversation, &length, 1);
	q->gone = looked == OK && length < 0;
	return e;
}

/* He may not read any more, or nobody can tell. Who had begun hears why when it is gone for everybody. */
static void not_here(struct reader *r, const struct question *q)
{
	if (r->begun && q->gone)
		lasting_erased(r->place);
	else
		reader_not_here(r, q->work.err);
}

void lasting_erased(struct place *p)
{
	struct buf at;

	buf_init(&at, 32);
	buf_int(&at, clock_now_ms());
	place_gone(p, "conversation:erased", at.data, at.len);
	buf_done(&at);
}

static void give_lines(struct reader *r, const struct follow_found *found)
{
	if (found->count == 0 && found->length <= r->at.position)
		reader_nothing(r->place, found->length);
	for (int i = 0; i < found->count && r->fd >= 0 && r->state == READER_CATCHING_UP; i++) {
		const struct entry_line *line = &found->lines[i];
		struct entry e;
		if (entry_parse(&e, line->position, line->bytes, line->len))
			reader_give(r, &e);
		else
			r->at.position = line->position; /* none of ours: skipped rather than stuck at */
	}
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		reader_go_on(r, found->length);
}

/* ---- beginning ---- */

static void write_marks(struct buf *b, const struct reader *r, const struct question *q, const struct following *f)
{
	BUF_LIT(b, "\"online\":[");
	if (f == NULL)
		buf_printf(b, "\"%s\"", r->who);
	for (size_t i = 0; f != NULL && i < reply_count(f->online); i++)
		buf_printf(b, "%s\"%s\"", i > 0 ? "," : "", reply_text(reply_at(f->online, i), NULL));
	buf_char(b, ']');
	buf_str(b, q->found.marks);
}

static void tell_beginning(struct reader *r, const struct question *q, const struct following *f)
{
	struct subscribed s = {.resumed = q->in.has_cursor ? (q->found.holds ? RESUMED_YES : RESUMED_NO) : RESUMED_NO_CURSOR, .from = r->at};
	struct buf marks;

	if (r->begun && s.resumed != RESUMED_NO && f == NULL)
		return; /* nothing is known that it does not know */
	buf_init(&marks, OUT_MOST);
	write_marks(&marks, r, q, f);
	s.marks = &marks;
	answer_ready(r, &s);
	buf_done(&marks);
}

/* f NULL: Redis does not know of the reader; look.c brings it what comes. */
static void begin(struct question *q, const struct following *f)
{
	struct reader *r = q->reader;
	const struct follow_found *found = &q->found;
	bool begins = !r->begun;

	if (r->place->gone) {
		reader_not_here(r, ERR_NOT_FOUND);
		return;
	}
	place_status(r->place, found->status);
	snprintf(r->role, sizeof r->role, "%s", found->role);
	r->own->registered = f != NULL;
	look_later(r->place);
	r->state = READER_CATCHING_UP;
	r->at.position = found->from;
	snprintf(r->at.check, sizeof r->at.check, "%s", found->check);
	if (f != NULL) {
		place_settle_at(r->place, f->settle_at);
		/* What was announced before Redis knew of us, and was not committed when we looked: that must be read still. */
		r->missed = f->told < 0;
		if (f->told > r->place->end)
			r->place->end = f->told;
	}
	tell_beginning(r, q, f);
	reader_give_early(r, f != NULL ? f->now : 0);
	if (begins)
		reader_started(r);
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		give_lines(r, found);
}

static void registered(void *ctx, enum err e, bool no_lease, const struct following *f)
{
	struct question *q = ctx;
	struct reader *r = q->reader;

	if (own_still(r, READER_SUBSCRIBING)) {
		if (no_lease)
			lease_lost(r->hub); /* under the new name all begin again */
		begin(q, e == OK ? f : NULL);
	}
	question_free(q);
}

static void found(struct work *w)
{
	struct question *q = (struct question *)w;
	struct reader *r = q->reader;
	struct hub *h = r->hub;

	if (!own_still(r, READER_SUBSCRIBING)) {
		question_free(q);
		return;
	}
	if (w->err != OK) {
		not_here(r, q);
		question_free(q);
		return;
	}
	look_begin(h);
	if (look_alone(h)) {
		begin(q, NULL);
		question_free(q);
		return;
	}
	r->calling = r->registered = true;
	lasting_subscribe(h->commands, r->place->conversation, r->who, q->found.role, h->id, place_held(r->place, r->who), registered, q);
}

void lasting_begin(struct reader *r)
{
	struct question *q = question_new(r);

	q->in.has_cursor = r->cursor_given || r->begun;
	q->in.marks = true;
	q->work.does = ask;
	q->work.done = found;
	hub_work(r->hub, &q->work);
}

/* ---- going on ---- */

/* When the cursor does not hold any more, or there is no place for the reader here, the stream ends, and the client's own cursor decides. */
static void tail_found(struct work *w)
{
	struct question *q = (struct question *)w;
	struct reader *r = q->reader;

	if (own_still(r, READER_CATCHING_UP)) {
		if (w->err != OK)
			not_here(r, q);
		else if (!q->found.holds)
			reader_kick(r);
		else
			give_lines(r, &q->found);
	}
	question_free(q);
}

void lasting_read_on(struct reader *r)
{
	struct question *q = question_new(r);

	r->state = READER_CATCHING_UP;
	q->in.has_cursor = true;
	q->work.does = ask;
	q->work.done = tail_found;
	hub_work(r->hub, &q->work);
}
