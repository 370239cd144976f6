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
#include "stream/own.h"

void reader_dirty(struct reader *r)
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

void reader_schedule(struct reader *r)
{
	int64_t now = clock_mono_ms(), at = now + 3600000;

	if (r->state == READER_ENDING) {
		at = r->until;
	} else if (!r->begun) {
		at = r->x->born_ms + (r->own != NULL ? LEASE_WAIT_MS : BEGIN_MS);
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

bool reader_check_ticket(struct reader *r)
{
	int64_t left = r->ticket_ends_ms - clock_now_ms();
	char data[64];

	if (left > TICKET_WARNING_MS || (left > 0 && r->told_expiring))
		return true;
	int n = snprintf(data, sizeof data, "{\"expiresAt\":%lld}", (long long)r->ticket_ends_ms);
	if (left <= 0) {
		if (!r->expired)
			answer_event(r, NULL, "ticket:expired", data, (size_t)n);
		r->expired = true;
		reader_kick(r);
		return false;
	}
	r->told_expiring = true;
	reader_passing(r, "ticket:expiring", data, (size_t)n);
	return true;
}

/* Up to an eighth of the interval early, so that readers who were told something together don't beat together. */
static int64_t next_beat(const struct reader *r, int64_t now)
{
	uint32_t mixed = ((uint32_t)now * 31 + (uint32_t)r->fd) * 2654435761u;

	return now + r->heartbeat_ms - (mixed >> 8) % ((uint32_t)r->heartbeat_ms / 8);
}

static void beat(struct reader *r, int64_t now)
{
	if (r->out.len == 0) {
		struct buf *frame = &r->hub->scratch_frame;
		buf_reset(frame);
		if (r->own != NULL && r->own->behind)
			answer_cursor(r, frame);
		else
			sse_comment(frame, "");
		exchange_stream_wrap(&r->out, r->fcgi_id, frame->data, frame->len);
		reader_dirty(r);
	}
	r->beat_at = next_beat(r, now);
}

static void fire(void *owner)
{
	struct reader *r = owner;
	int64_t now = clock_mono_ms();

	if (r->fd < 0)
		return;
	if (r->state == READER_ENDING) {
		reader_close(r);
		reader_dirty(r);
		return;
	}
	if (!r->begun) {
		/* A script under way answers or times out by itself. */
		if (r->own != NULL && r->state == READER_SUBSCRIBING && !r->calling)
			own_begin(r); /* the lease does not come: without Redis */
		else if (r->state == READER_SUBSCRIBING && !r->calling && now >= r->x->born_ms + BEGIN_MS)
			answer_refuse(r, ERR_STORE_UNAVAILABLE);
		if (r->fd >= 0)
			reader_schedule(r);
		return;
	}
	if (!reader_check_ticket(r))
		return;
	if (r->poll && now >= r->until) {
		r->has_delivery = true; /* its time is over: it gets what there is */
		reader_dirty(r);
		return;
	}
	if (!r->poll && now >= r->beat_at)
		beat(r, now);
	reader_schedule(r);
}

/* ---- beginning ---- */

static struct slab readers = SLAB_OF(struct reader);

struct reader *reader_new(void)
{
	return slab_get(&readers);
}

void reader_drop(struct reader *r)
{
	reader_arrived(r);
	own_free(r->own);
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
	free(r->arrival->who);
	free(r->arrival);
	r->arrival = NULL;
}

void reader_begin(struct reader *r)
{
	r->timer.fire = fire;
	r->timer.owner = r;
	buf_init(&r->out, OUT_MOST);
	r->hub->came_and_went++;
	arrival_init(r->arrival);
	if (!r->at_desk && r->own == NULL)
		place_join(place_get(r->hub, r->arrival->conversation), r);
	hub_watch(r->hub, r->fd, r, EPOLLIN | EPOLLRDHUP, true);
	if (r->hub->stopping) {
		answer_retry(r);
		return;
	}
	reader_schedule(r);
	reader_enter(r);
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
	reader_schedule(r);
	reader_dirty(r);
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
		reader_dirty(r);
	} else {
		reader_end(r);
	}
}

void reader_gone(struct reader *r)
{
	if (r->fd < 0)
		return;
	if (!r->begun && !r->poll)
		answer_retry(r); /* who closed his sending side only still reads, and 204 would tell him that all is over */
	if (!r->poll) {
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
	reader_dirty(r);
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
		reader_dirty(r);
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
		r->beat_at = next_beat(r, clock_mono_ms());
	}
	watch_out(r, false);
	if (r->state == READER_ENDING) {
		reader_close(r);
	} else if (r->state == READER_CATCHING_UP && !r->calling) {
		reader_go_on(r, 0);
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
