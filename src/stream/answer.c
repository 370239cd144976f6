/* What readers are told: the beginning, events, a poll's answer, refusals. See hub.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "chat/credentials.h"
#include "http/sse.h"
#include "stream/own.h"

enum { RETRY_LEAST_MS = 1000, RETRY_SPREAD_MS = 2000, RETRY_OVERLOAD_MS = 3000, RETRY_ENOUGH_MS = 15000 };

static int jitter(int least, int spread)
{
	unsigned short n;

	id_random(&n, sizeof n);
	return least + n % spread;
}

static void push(struct reader *r)
{
	if (r->dirty)
		return;
	r->dirty = true;
	r->next_dirty = r->hub->dirty;
	r->hub->dirty = r;
}

/* What passes alone never ends a poll (a phone would do nothing but ask again): it rides along with the next entry, or with the answer when
 * the time is over. A beginning and an end do. */
static bool ends_poll(const char *event)
{
	return strcmp(event, "ready") == 0 || strcmp(event, "reset") == 0 || strcmp(event, "ticket:expired") == 0 ||
		strcmp(event, "desk:summary") == 0 || strncmp(event, "session:", 8) == 0 || strncmp(event, "conversation:", 13) == 0;
}

static void poll_event(struct reader *r, const char *id, const char *event, const char *data, size_t len)
{
	struct buf *b = &r->arrival->events;

	if (b->len > 0)
		buf_char(b, ',');
	BUF_LIT(b, "{");
	if (id != NULL) {
		BUF_LIT(b, "\"id\":\"");
		buf_str(b, id);
		BUF_LIT(b, "\",");
	}
	BUF_LIT(b, "\"event\":\"");
	buf_str(b, event);
	BUF_LIT(b, "\",\"data\":");
	buf_add(b, data, len);
	buf_char(b, '}');
	if (id != NULL || ends_poll(event)) {
		r->has_delivery = true;
		push(r);
	}
}

void answer_event(struct reader *r, const struct cursor *id, const char *event, const char *data, size_t len)
{
	char text[CURSOR_TEXT_MAX];
	struct buf *frame = &r->hub->scratch_frame;

	if (id != NULL)
		cursor_print(text, id);
	if (id != NULL && r->own != NULL)
		r->own->behind = false;
	if (r->poll) {
		poll_event(r, id != NULL ? text : NULL, event, data, len);
		return;
	}
	buf_reset(frame);
	sse_event(frame, id != NULL ? text : NULL, event, data, len);
	exchange_stream_wrap(&r->out, r->fcgi_id, frame->data, frame->len);
	if (!buf_ok(&r->out))
		reader_end(r); /* too slow: it resumes by cursor */
	else
		push(r);
}

void answer_cursor(struct reader *r, struct buf *frame)
{
	char text[CURSOR_TEXT_MAX];

	cursor_print(text, &r->at);
	r->own->behind = false;
	BUF_LIT(frame, "id: ");
	buf_str(frame, text);
	BUF_LIT(frame, "\n\n");
}

static void begin_stream(struct reader *r, int retry_ms)
{
	struct buf *frame = &r->hub->scratch_frame;

	exchange_stream_begin(r->x, "text/event-stream", &r->out);
	r->x->fd = -1; /* ours alone now: an idle stream needs no exchange */
	exchange_free(r->x);
	r->x = NULL;
	buf_reset(frame);
	sse_retry(frame, retry_ms);
	exchange_stream_wrap(&r->out, r->fcgi_id, frame->data, frame->len);
	r->begun = true;
	/* Spread over the interval, so that streams that began together don't beat together. */
	r->beat_at = clock_mono_ms() + jitter(r->heartbeat_ms / 2, r->heartbeat_ms / 2 + 1);
}

void answer_begin(struct reader *r)
{
	begin_stream(r, jitter(RETRY_LEAST_MS, RETRY_SPREAD_MS));
}

/* "expiresAt":…,"status":…, and nothing of either for a feed. */
static void life(struct buf *b, const struct place *p)
{
	if (p->conversation[0] == '@')
		return;
	BUF_LIT(b, "\"expiresAt\":");
	if (place_lasts(p->conversation)) {
		BUF_LIT(b, "null,\"status\":\"");
		buf_str(b, place_status_name(p));
		BUF_LIT(b, "\",");
	} else {
		buf_int(b, p->expires_at);
		buf_str(b, p->ended ? ",\"status\":\"ended\"," : ",\"status\":\"active\",");
	}
}

static void ready_data(struct buf *b, const struct place *p, const struct subscribed *s, const char *cursor)
{
	static const char *const words[] = {"null", "false", "true"};

	BUF_LIT(b, "{\"cursor\":\"");
	buf_str(b, cursor);
	BUF_LIT(b, "\",\"resumed\":");
	buf_str(b, words[s->resumed + 1]);
	buf_char(b, ',');
	life(b, p);
	subscribed_marks(b, s);
	buf_char(b, '}');
}

void answer_ready(struct reader *r, const struct subscribed *s)
{
	struct buf *data = &r->hub->scratch_data;
	char cursor[CURSOR_TEXT_MAX];

	cursor_print(cursor, &s->from);
	if (r->poll) {
		r->begun = true;
		buf_reset(&r->arrival->marks);
		subscribed_marks(&r->arrival->marks, s);
	} else if (!r->begun) {
		answer_begin(r);
	}
	/* A poll that resumes gets the marks beside its events; it is not a beginning. */
	if (r->poll && s->resumed == RESUMED_YES)
		return;
	buf_reset(data);
	ready_data(data, r->place, s, cursor);
	answer_event(r, &s->from, "ready", data->data, data->len);
	if (s->resumed == RESUMED_NO && r->fd >= 0 && r->state != READER_ENDING) {
		buf_reset(data);
		BUF_LIT(data, "{\"cursor\":\"");
		buf_str(data, cursor);
		BUF_LIT(data, "\"}");
		answer_event(r, NULL, "reset", data->data, data->len);
	}
}

void answer_poll(struct reader *r)
{
	struct buf body;
	char cursor[CURSOR_TEXT_MAX];

	hub_unwatch(r->hub, r->fd); /* what the peer does not take at once is written elsewhere, and outlives the reader */
	if (r->at_desk) {
		desk_answer_poll(r);
		return;
	}
	cursor_print(cursor, &r->at);
	buf_init(&body, 8 * OUT_MOST);
	BUF_LIT(&body, "{\"events\":[");
	buf_add(&body, r->arrival->events.data, r->arrival->events.len);
	BUF_LIT(&body, "],\"cursor\":\"");
	buf_str(&body, cursor);
	BUF_LIT(&body, "\",");
	life(&body, r->place);
	buf_add(&body, r->arrival->marks.data, r->arrival->marks.len);
	buf_char(&body, '}');
	place_part(r, false);
	exchange_json(r->x, 200, &body);
	buf_done(&body);
	r->x = NULL;
	r->fd = -1;
	r->state = READER_ENDING;
}

void answer_refuse(struct reader *r, enum err e)
{
	if (e == ERR_STORE_UNAVAILABLE && !r->poll) {
		answer_retry(r);
		return;
	}
	place_part(r, true);
	if (e == ERR_GONE && !r->poll)
		exchange_empty(r->x, 204); /* the one answer that makes EventSource stop for good without an error */
	else
		exchange_error(r->x, e, NULL, e == ERR_STORE_UNAVAILABLE ? 2 : 0);
	r->x = NULL;
	r->fd = -1;
	r->state = READER_ENDING;
	push(r);
}

void answer_retry(struct reader *r)
{
	if (r->poll) {
		place_part(r, true);
		exchange_error(r->x, ERR_STORE_UNAVAILABLE, NULL, 2);
		r->x = NULL;
		r->fd = -1;
		r->state = READER_ENDING;
		push(r);
		return;
	}
	begin_stream(r, jitter(RETRY_OVERLOAD_MS, RETRY_OVERLOAD_MS));
	reader_end(r);
}

void answer_enough(struct reader *r)
{
	struct buf *frame = &r->hub->scratch_frame;

	if (r->poll) {
		place_part(r, true);
		exchange_error(
			r->x, ERR_RATE_LIMITED, "Too many streams and polls of yours are open here: the oldest ended.", RETRY_ENOUGH_MS / 1000);
		r->x = NULL;
		r->fd = -1;
		r->state = READER_ENDING;
		push(r);
		return;
	}
	buf_reset(frame);
	sse_retry(frame, jitter(RETRY_ENOUGH_MS, RETRY_ENOUGH_MS));
	exchange_stream_wrap(&r->out, r->fcgi_id, frame->data, frame->len);
	reader_kick(r);
}
