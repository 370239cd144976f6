/* What a reader is told: subscribing, catching up with the log, going live, news. See hub.h; its connection and its clock are in reader.c. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "stream/own.h"

void arrival_init(struct arrival *a)
{
	buf_init(&a->events, 4 * OUT_MOST);
	buf_init(&a->marks, OUT_MOST);
	buf_init(&a->early, FULL_ENOUGH);
}

/* Where passing events wait while it subscribes: a stream that subscribes again has let its arrival go. */
static struct buf *early_of(struct reader *r)
{
	if (r->arrival == NULL) {
		r->arrival = calloc(1, sizeof *r->arrival);
		if (r->arrival == NULL)
			abort();
		arrival_init(r->arrival);
	}
	return &r->arrival->early;
}

/* ---- subscribing and catching up ---- */

static void tail_came(void *ctx, enum err e, const struct tail *t);
static bool began_again(struct reader *r);

static void read_tail(struct reader *r)
{
	if (r->own != NULL) {
		own_read_on(r);
		return;
	}
	r->state = READER_CATCHING_UP;
	r->calling = true;
	r->missed = false;
	tail_read(r->hub->commands, r->place->conversation, r->who, r->student ? "student" : "counselor", &r->at, tail_came, r);
}

/* That was from before a failover. Who asked before now may have missed what is really there; who is live is not held up. */
void reader_nothing(struct place *p, int64_t length)
{
	if (length >= p->end)
		return;
	p->end = length;
	for (struct reader *r = p->readers; r != NULL; r = r->next)
		if (r->state != READER_LIVE || r->at.position > length)
			reader_read_on(r); /* who is ahead of it would hear of nothing that comes */
}

void reader_go_on(struct reader *r, int64_t length)
{
	if (r->out.len <= FULL_ENOUGH && !r->calling && began_again(r))
		return;
	if (length > r->place->end)
		r->place->end = length;
	if (r->at.position >= r->place->end && !r->missed && !r->stale) {
		r->state = READER_LIVE;
		return;
	}
	r->state = READER_CATCHING_UP;
	/* A poll answers with the page it has; a slow reader gets the next one when this one is gone. */
	if ((r->poll && r->has_delivery) || r->out.len > FULL_ENOUGH || r->calling)
		return;
	read_tail(r);
}

void reader_give(struct reader *r, const struct entry *e)
{
	struct buf *data = &r->hub->scratch_data;
	char name[32];

	if (!reader_check_ticket(r))
		return; /* the loop may be late: then its timer is, too */
	r->at = e->cursor;
	if (r->own != NULL && !own_wants(r, e)) {
		r->own->behind = true;
		return;
	}
	buf_reset(data);
	entry_data(data, r->place->conversation + (r->own != NULL ? 1 : 0), e, r->place->expires_at);
	answer_event(r, &e->cursor, entry_event(e, name), data->data, data->len);
}

static void give_entries(struct reader *r, const struct reply *entries)
{
	for (size_t i = 0; i < reply_count(entries) && r->fd >= 0 && r->state != READER_ENDING; i++) {
		struct entry e;
		size_t len;
		const char *bytes = reply_text(reply_at(entries, i), &len);
		if (entry_parse(&e, r->at.position + 1, bytes, len))
			reader_give(r, &e);
		else
			r->at.position++; /* none of ours: skipped rather than stuck at */
	}
}

/* The hub's position can't be trusted any more: the stream ends, and the client's own cursor decides. */
static void tail_came(void *ctx, enum err e, const struct tail *t)
{
	struct reader *r = ctx;

	r->calling = false;
	if (r->fd < 0 || r->state != READER_CATCHING_UP) {
		reader_dirty(r);
		return;
	}
	if (began_again(r))
		return;
	if (e != OK) {
		reader_kick(r); /* if it is gone, the news of it or the deadline's timer say so; else the client's cursor decides */
		return;
	}
	place_deadline(r->place, t->expires_at);
	if (reply_count(t->entries) == 0)
		reader_nothing(r->place, t->length);
	give_entries(r, t->entries);
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		reader_go_on(r, t->length);
}

void reader_give_early(struct reader *r, int64_t since)
{
	struct buf early;

	if (r->arrival == NULL)
		return;
	early = r->arrival->early;
	buf_init(&r->arrival->early, FULL_ENOUGH);
	for (char *at = early.data, *end = at + early.len; at < end;) {
		char *event = at, *data = strchr(at, '\n') + 1, *stop = strchr(data, '\n');
		const char *when;
		data[-1] = '\0';
		*stop = '\0';
		when = strstr(data, "\"at\":");
		if (when == NULL || strtoll(when + 5, NULL, 10) >= since)
			reader_passing(r, event, data, (size_t)(stop - data));
		at = stop + 1;
	}
	buf_done(&early);
	if (!r->poll)
		reader_arrived(r); /* a stream needs it no more */
}

static void subscribed(void *ctx, enum err e, bool no_lease, const struct subscribed *s)
{
	struct reader *r = ctx;

	r->calling = false;
	if (r->fd < 0 || r->state != READER_SUBSCRIBING) {
		reader_dirty(r);
		return;
	}
	bool store_away = e == ERR_STORE_UNAVAILABLE && !r->begun; /* who just came is told so in time, not tried again */
	if (!store_away && began_again(r))
		return;
	if (no_lease) {
		lease_lost(r->hub); /* it subscribes again under the new name */
		return;
	}
	if (e != OK) {
		/* What was refused was never here; what began before is to be noted as leaving. */
		r->registered = r->begun || e == ERR_STORE_UNAVAILABLE || e == ERR_INTERNAL;
		reader_not_here(r, e);
		return;
	}
	bool begins = !r->begun;
	place_deadline(r->place, s->expires_at);
	place_settle_at(r->place, s->settle_at);
	r->place->ended = s->ended;
	r->state = READER_CATCHING_UP;
	r->at = s->from;
	answer_ready(r, s);
	reader_give_early(r, s->now);
	if (begins)
		reader_started(r);
	if (r->fd < 0 || r->state != READER_CATCHING_UP)
		return;
	give_entries(r, s->entries);
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		reader_go_on(r, s->length);
}

void reader_not_here(struct reader *r, enum err e)
{
	if (r->begun)
		reader_kick(r);
	else
		answer_refuse(r, e);
}

/* One ticket must not take every connection there is. The oldest goes: a phone that changes its network leaves dead ones behind, and the newcomer is alive. */
static void make_room(const struct reader *r)
{
	int64_t most = config_number("ROOM_STREAMS"), n = 0;
	struct reader *oldest = NULL;

	for (struct reader *o = r->at_desk ? desk_readers(r->desk) : r->place->readers; o != NULL; o = o->next)
		if (o->begun && !o->has_delivery && strcmp(o->who, r->who) == 0) {
			oldest = o;
			n++;
		}
	if (most > 0 && n > most)
		answer_enough(oldest);
}

void reader_started(struct reader *r)
{
	if (!reader_check_ticket(r) || r->fd < 0 || r->state == READER_ENDING)
		return;
	reader_schedule(r);
	make_room(r);
}

void reader_subscribe(struct reader *r)
{
	if (r->own != NULL) {
		own_begin(r);
		return;
	}
	r->state = READER_SUBSCRIBING;
	if (!r->hub->leased || r->calling)
		return; /* lease.c comes back to all readers with reader_again */
	r->calling = r->registered = true;
	r->missed = false;
	struct ticket by = {.acts = r->acts};
	strcpy(by.conversation, r->place->conversation);
	strcpy(by.participant, r->who);
	strcpy(by.side, r->student ? "student" : "counselor");
	strcpy(by.role, r->role);
	if (r->x != NULL)
		strcpy(by.request, r->x->request.id);
	subscribe(r->hub->commands, &by, r->hub->id, place_held(r->place, r->who), r->cursor_given || r->begun ? &r->at : NULL, subscribed, r);
}

void reader_again(struct reader *r)
{
	if (r->state == READER_ENDING || r->state == READER_REDEEMING)
		return;
	r->stale = r->calling || r->out.len > FULL_ENOUGH;
	if (r->stale && r->state == READER_LIVE)
		r->state = READER_CATCHING_UP; /* a slow reader: when it has taken what it was given */
	else if (!r->stale)
		reader_subscribe(r);
}

/* After a call came back: was the hub renamed meanwhile? Then the reader begins again, whatever the answer was. */
static bool began_again(struct reader *r)
{
	if (!r->stale)
		return false;
	r->stale = false;
	reader_subscribe(r);
	return true;
}

/* ---- news ---- */

void reader_read_on(struct reader *r)
{
	if (r->state == READER_LIVE)
		read_tail(r);
	else
		r->missed = true; /* what is under way may have been read before */
}

void reader_entry(struct reader *r, const struct entry *e)
{
	if (r->state != READER_LIVE || e->cursor.position <= r->at.position)
		return; /* who is not live yet reads on to the place's end */
	if (e->cursor.position == r->at.position + 1)
		reader_give(r, e);
	else
		reader_read_on(r);
}

void reader_passing(struct reader *r, const char *event, const char *data, size_t len)
{
	if (r->state == READER_LIVE || r->state == READER_CATCHING_UP) {
		if (reader_check_ticket(r))
			answer_event(r, NULL, event, data, len);
	} else if (r->state == READER_SUBSCRIBING) {
		struct buf *early = early_of(r);
		buf_str(early, event);
		buf_char(early, '\n');
		buf_add(early, data, len);
		buf_char(early, '\n');
		if (!buf_ok(early))
			buf_reset(early); /* passing events may be lost, entries never */
	}
}
