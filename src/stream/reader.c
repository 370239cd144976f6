/* One exchange that reads: its states, its buffer, its clock. See hub.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "chat/credentials.h"
#include "http/sse.h"
#include "stream/hub.h"

enum {
	FULL_ENOUGH = 64 * 1024, /* bytes waiting for a reader that is catching up: it gets no further page before they are gone */
	BEGIN_AGAIN_MS = 250,    /* how often a late beginning is looked at */
};

static void note_dirty(struct reader *r)
{
	if (r->dirty)
		return;
	r->dirty = true;
	r->next_dirty = r->hub->dirty;
	r->hub->dirty = r;
}

/* ---- its clock ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void schedule(struct reader *r)
{
	int64_t now = clock_mono_ms(), at = now + 3600000;

	if (r->state == READER_ENDING) {
		at = r->until;
	} else if (!r->begun) {
		at = r->x->born_ms + BEGIN_MS;
		if (at <= now)
			at = now + BEGIN_AGAIN_MS;
	} else {
		int64_t ticket_end = hub_mono_of(r->ticket_ends_ms);
		at = earlier(at, r->told_expiring ? ticket_end : ticket_end - TICKET_WARNING_MS);
		at = earlier(at, r->poll ? r->until : r->beat_at);
	}
	if (at <= now)
		at = now + 1; /* never in a circle, whatever the clocks say */
	timer_set(&r->hub->timers, &r->timer, at);
}

static bool check_ticket(struct reader *r)
{
	int64_t left = r->ticket_ends_ms - clock_now_ms();
	char data[64];
	int n = snprintf(data, sizeof data, "{\"expiresAt\":%lld}", (long long)r->ticket_ends_ms);

	if (left <= 0) {
		reader_passing(r, "ticket:expired", data, (size_t)n);
		reader_kick(r);
		return false;
	}
	if (left <= TICKET_WARNING_MS && !r->told_expiring) {
		r->told_expiring = true;
		reader_passing(r, "ticket:expiring", data, (size_t)n);
	}
	return true;
}

static void beat(struct reader *r, int64_t now)
{
	if (r->out.len == 0) {
		struct buf *frame = &r->hub->scratch_frame;
		buf_reset(frame);
		sse_comment(frame, "");
		exchange_stream_wrap(&r->out, r->fcgi_id, frame->data, frame->len);
		note_dirty(r);
	}
	r->beat_at = now + r->heartbeat_ms;
}

static void fire(void *owner)
{
	struct reader *r = owner;
	int64_t now = clock_mono_ms();

	if (r->fd < 0)
		return;
	if (r->state == READER_ENDING) {
		reader_close(r);
		note_dirty(r);
		return;
	}
	if (!r->begun) {
		/* A script under way answers or times out by itself. */
		if (r->state == READER_SUBSCRIBING && !r->calling && now >= r->x->born_ms + BEGIN_MS)
			answer_refuse(r, ERR_STORE_UNAVAILABLE);
		else
			schedule(r);
		return;
	}
	if (!check_ticket(r))
		return;
	if (r->poll && now >= r->until) {
		r->has_delivery = true; /* its time is over: it gets what there is */
		note_dirty(r);
		return;
	}
	if (!r->poll && now >= r->beat_at)
		beat(r, now);
	schedule(r);
}

/* ---- beginning ---- */

static void tail_came(void *ctx, enum err e, const struct tail *t);
static bool began_again(struct reader *r);

static void read_tail(struct reader *r)
{
	r->state = READER_CATCHING_UP;
	r->calling = true;
	r->missed = false;
	tail_read(r->hub->commands, r->place->conversation, r->who, r->student ? "student" : "counselor", &r->at, tail_came, r);
}

static void go_live_or_on(struct reader *r, int64_t length)
{
	if (length > r->place->end)
		r->place->end = length;
	if (r->at.position >= r->place->end && !r->missed) {
		r->state = READER_LIVE;
		return;
	}
	r->state = READER_CATCHING_UP;
	/* A poll answers with the page it has; a slow reader gets the next one when this one is gone. */
	if ((r->poll && r->has_delivery) || r->out.len > FULL_ENOUGH || r->calling)
		return;
	read_tail(r);
}

static void give(struct reader *r, const struct entry *e)
{
	struct buf *data = &r->hub->scratch_data;
	char name[32];

	buf_reset(data);
	entry_data(data, r->place->conversation, e, r->place->expires_at);
	r->at = e->cursor;
	answer_event(r, &e->cursor, entry_event(e, name), data->data, data->len);
}

static void give_entries(struct reader *r, const struct reply *entries)
{
	for (size_t i = 0; i < reply_count(entries) && r->fd >= 0 && r->state != READER_ENDING; i++) {
		struct entry e;
		size_t len;
		const char *bytes = reply_text(reply_at(entries, i), &len);
		if (entry_parse(&e, r->at.position + 1, bytes, len))
			give(r, &e);
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
		note_dirty(r);
		return;
	}
	if (began_again(r))
		return;
	if (e != OK) {
		reader_kick(r); /* if it is gone, the news of it or the deadline's timer say so; else the client's cursor decides */
		return;
	}
	place_deadline(r->place, t->expires_at);
	give_entries(r, t->entries);
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		go_live_or_on(r, t->length);
}

static void give_early(struct reader *r, int64_t since)
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
		note_dirty(r);
		return;
	}
	if (began_again(r))
		return;
	if (no_lease) {
		lease_lost(r->hub); /* it subscribes again under the new name */
		return;
	}
	if (e != OK) {
		if (r->begun)
			reader_kick(r);
		else
			answer_refuse(r, e);
		return;
	}
	bool begins = !r->begun;
	place_deadline(r->place, s->expires_at);
	place_settle_at(r->place, s->settle_at);
	r->place->ended = s->ended;
	r->state = READER_CATCHING_UP;
	r->at = s->from;
	if (begins || s->resumed == RESUMED_NO)
		answer_ready(r, s);
	give_early(r, s->now);
	if (begins)
		reader_started(r);
	if (r->fd < 0 || r->state != READER_CATCHING_UP)
		return;
	give_entries(r, s->entries);
	if (r->fd >= 0 && r->state == READER_CATCHING_UP)
		go_live_or_on(r, s->length);
}

void reader_left(struct reader *r)
{
	note_dirty(r);
}

void reader_started(struct reader *r)
{
	if (check_ticket(r) && r->fd >= 0 && r->state != READER_ENDING)
		schedule(r);
}

void reader_subscribe(struct reader *r)
{
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
	subscribe(r->hub->commands, &by, r->hub->id, place_held(r->place, r->who), r->cursor_given || r->begun ? &r->at : NULL, subscribed, r);
}

void reader_again(struct reader *r)
{
	if (r->state == READER_ENDING || r->state == READER_REDEEMING)
		return;
	if (r->calling)
		r->stale = true; /* what is under way is under the old name */
	else
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

static void redeemed(void *ctx, enum err e, const struct ticket *t)
{
	struct reader *r = ctx;

	r->calling = false;
	if (r->fd < 0) {
		note_dirty(r);
		return;
	}
	if (e == OK && r->known && strcmp(t->participant, r->who) != 0)
		e = ERR_BAD_REQUEST;
	if (e == OK && t->expires_at_ms <= clock_now_ms())
		e = ERR_TICKET_EXPIRED;
	if (e == OK) {
		/* EventSource reconnects with this same, now spent, URL: from here on the cookie speaks. */
		char *jwt = ticket_mint(t);
		reader_identify(r, t);
		if (jwt != NULL)
			credentials_cookie_set(r->x, t, jwt, strlen(jwt));
		free(jwt);
	} else if (!(e == ERR_UNAUTHENTICATED && r->known)) {
		answer_refuse(r, e);
		return;
	}
	reader_subscribe(r);
}

static struct slab readers = SLAB_OF(struct reader);

struct reader *reader_new(void)
{
	return slab_get(&readers);
}

void reader_drop(struct reader *r)
{
	reader_arrived(r);
	slab_put(&readers, r);
}

void readers_done(void)
{
	slab_done(&readers);
}

void reader_identify(struct reader *r, const struct ticket *t)
{
	strcpy(r->who, t->participant);
	strcpy(r->role, t->role);
	r->student = strcmp(t->side, "student") == 0;
	r->acts = (uint8_t)t->acts;
	r->ticket_ends_ms = t->expires_at_ms;
}

void reader_arrived(struct reader *r)
{
	if (r->arrival == NULL)
		return;
	buf_done(&r->arrival->events);
	buf_done(&r->arrival->marks);
	buf_done(&r->arrival->early);
	free(r->arrival->stream_ticket);
	free(r->arrival);
	r->arrival = NULL;
}

static void init_arrival(struct arrival *a)
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
		init_arrival(r->arrival);
	}
	return &r->arrival->early;
}

void reader_begin(struct reader *r)
{
	r->timer.fire = fire;
	r->timer.owner = r;
	buf_init(&r->out, OUT_MOST);
	r->hub->came_and_went++;
	init_arrival(r->arrival);
	if (!r->at_desk)
		place_join(place_get(r->hub, r->arrival->conversation), r);
	hub_watch(r->hub, r->fd, r, EPOLLIN | EPOLLRDHUP, true);
	if (r->hub->stopping) {
		answer_retry(r);
		return;
	}
	schedule(r);
	if (r->at_desk) {
		desk_begin(r);
		return;
	}
	if (r->arrival->stream_ticket == NULL) {
		reader_subscribe(r);
		return;
	}
	r->state = READER_REDEEMING;
	r->calling = true;
	redeem(r->hub->commands, r->place->conversation, r->arrival->stream_ticket, redeemed, r);
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
		give(r, e);
	else
		reader_read_on(r);
}

void reader_passing(struct reader *r, const char *event, const char *data, size_t len)
{
	if (r->state == READER_LIVE || r->state == READER_CATCHING_UP) {
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

/* ---- ending ---- */

void reader_close(struct reader *r)
{
	if (r->x != NULL)
		exchange_free(r->x);
	else if (r->fd >= 0)
		close(r->fd);
	r->x = NULL;
	r->fd = -1;
}

void reader_end(struct reader *r)
{
	if (r->fd < 0 || r->state == READER_ENDING)
		return;
	place_part(r, true);
	r->state = READER_ENDING;
	r->out.max += 64; /* room for the end even when the reader was too slow for the rest */
	r->out.failed = false;
	exchange_stream_end(&r->out, r->fcgi_id);
	r->until = clock_mono_ms() + DRAIN_MS;
	schedule(r);
	note_dirty(r);
}

void reader_kick(struct reader *r)
{
	if (r->fd < 0 || r->state == READER_ENDING)
		return;
	if (!r->begun) {
		/* Its own script's answer tells it what is the matter; only when we stop there will be none. */
		if (r->hub->stopping)
			answer_retry(r);
	} else if (r->poll) {
		r->has_delivery = true;
		note_dirty(r);
	} else {
		reader_end(r);
	}
}

void reader_gone(struct reader *r)
{
	if (r->fd < 0)
		return;
	if (r->begun && !r->poll) {
		/* lighttpd still wants the end of the reply, or it logs an error with the query in it. */
		if (r->state != READER_ENDING)
			reader_end(r);
		send(r->fd, r->out.data, r->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		reader_close(r);
	} else {
		place_part(r, true);
		exchange_empty(r->x, 204);
		r->x = NULL;
		r->fd = -1;
	}
	r->state = READER_ENDING;
	note_dirty(r);
}

static void discard(struct reader *r)
{
	char bytes[512];
	ssize_t n = recv(r->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		reader_gone(r);
}

void reader_ready_fd(struct reader *r, unsigned events)
{
	if (r->fd < 0)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		reader_gone(r);
		return;
	}
	if (events & EPOLLIN)
		discard(r);
	if (events & EPOLLOUT)
		note_dirty(r);
}

/* ---- writing ---- */

static void watch_out(struct reader *r, bool wanted)
{
	if (r->waiting_out == wanted)
		return;
	r->waiting_out = wanted;
	hub_watch(r->hub, r->fd, r, EPOLLIN | EPOLLRDHUP | (wanted ? EPOLLOUT : 0), false);
}

static void flush(struct reader *r)
{
	while (r->out.len > 0) {
		ssize_t n = send(r->fd, r->out.data, r->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			reader_gone(r);
			return;
		}
		if (n < 0) {
			watch_out(r, true);
			return;
		}
		if ((size_t)n == r->out.len)
			buf_done(&r->out); /* idle readers hold no buffer */
		else
			buf_drop(&r->out, (size_t)n);
		r->beat_at = clock_mono_ms() + r->heartbeat_ms;
	}
	watch_out(r, false);
	if (r->state == READER_ENDING) {
		reader_close(r);
	} else if (r->state == READER_CATCHING_UP && !r->calling) {
		go_live_or_on(r, 0);
	}
}

static void reader_free(struct reader *r)
{
	timer_clear(&r->hub->timers, &r->timer);
	buf_done(&r->out);
	r->hub->came_and_went++;
	atomic_fetch_sub(&r->hub->readers, 1);
	reader_drop(r);
}

void readers_flush(struct hub *h)
{
	while (h->dirty != NULL) {
		struct reader *r = h->dirty;
		h->dirty = r->next_dirty;
		r->dirty = false;
		if (r->fd >= 0 && r->poll && r->begun && r->has_delivery)
			answer_poll(r);
		else if (r->fd >= 0 && !r->poll)
			flush(r);
		else if (r->fd >= 0 && r->out.len > 0)
			flush(r);
		if (r->fd < 0 && !r->calling && !r->dirty)
			reader_free(r);
	}
}
