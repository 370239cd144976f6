/* The accepting side of a hub: threads that take requests from libfcgi, check who is there (CPU only), and hand readers to the loop. See hub.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/credentials.h"
#include "http/router.h"
#include "stream/hub.h"

enum { HEARTBEAT_MOST_S = 300, WAIT_DEFAULT_S = 25, WAIT_MOST_S = 30 };

struct intake {
	struct hub *hub;
	pthread_t thread;
	pthread_mutex_t lock;
	struct reader *accepted, **end; /* chained by next */
};

/* router_run has no place for a context: a process is one hub. */
static struct intake *the_intake;

static void hand_over(struct intake *in, struct reader *r)
{
	uint64_t one = 1;

	pthread_mutex_lock(&in->lock);
	bool first = in->accepted == NULL;
	r->next = NULL;
	*in->end = r;
	in->end = &r->next;
	pthread_mutex_unlock(&in->lock);
	if (first) {
		ssize_t n = write(in->hub->wake, &one, sizeof one);
		(void)n; /* full: it wakes anyway */
	}
}

/* Where the reader wants to go on: Last-Event-ID (EventSource reconnecting) before ?after=. A cursor that makes no sense is still a cursor:
 * it does not hold, and the reader is told so by reset. */
static enum err read_cursor(const struct exchange *x, struct reader *r)
{
	const char *text = x->request.last_event_id;
	enum err e = OK;

	if (r->at_desk) {
		e = r->poll ? request_query(&x->request, "after", &text) : OK;
		if (e == OK && r->poll && text != NULL)
			snprintf(r->arrival->conversation, sizeof r->arrival->conversation, "%s", text);
		return e;
	}
	if (text == NULL || text[0] == '\0')
		e = request_query(&x->request, "after", &text);
	if (e != OK || text == NULL || text[0] == '\0')
		return e;
	r->cursor_given = true;
	if (!cursor_parse(&r->at, text))
		r->at.check[0] = '-';
	return OK;
}

static enum err read_times(const struct exchange *x, struct reader *r)
{
	long heartbeat_s = HEARTBEAT_S, wait_s = WAIT_DEFAULT_S;
	enum err e = r->poll ? request_query_int(&x->request, "wait", 0, WAIT_MOST_S, WAIT_DEFAULT_S, &wait_s)
						 : request_query_int(&x->request, "heartbeat", HEARTBEAT_S, HEARTBEAT_MOST_S, HEARTBEAT_S, &heartbeat_s);

	r->heartbeat_ms = (int)heartbeat_s * 1000;
	r->until = x->born_ms + wait_s * 1000;
	r->beat_at = x->born_ms + r->heartbeat_ms;
	return e;
}

static void overloaded(struct exchange *x, bool poll)
{
	static const char later[] = "retry: 10000\n\n";

	if (poll)
		exchange_error(x, ERR_STORE_UNAVAILABLE, NULL, 10);
	else
		exchange_reply(x, 200, "text/event-stream; charset=utf-8", later, sizeof later - 1);
}

static struct reader *reader_of(struct exchange *x, bool poll, bool desk, const struct credentials *who)
{
	static const struct ticket nobody = {.expires_at_ms = INT64_MAX / 4}; /* until its stream ticket is redeemed */
	struct reader *r = reader_new();

	r->arrival = calloc(1, sizeof *r->arrival);
	if (r->arrival == NULL)
		abort();
	r->hub = the_intake->hub;
	r->x = x;
	r->fd = x->fd;
	r->fcgi_id = x->fcgi_id;
	r->poll = poll;
	r->at_desk = desk;
	r->known = who->known;
	reader_identify(r, who->known ? &who->ticket : &nobody);
	if (!desk)
		snprintf(r->arrival->conversation, sizeof r->arrival->conversation, "%s", x->request.params[0]);
	if (who->stream_ticket != NULL)
		r->arrival->stream_ticket = strdup(who->stream_ticket);
	return r;
}

static void take_in(struct exchange *x, bool poll, bool desk)
{
	struct hub *h = the_intake->hub;
	struct credentials who;
	const char *details = NULL;
	enum err e = desk ? credentials_desk(x, CREDENTIALS_STREAM, &who, &details)
					  : credentials_participant(x, x->request.params[0], CREDENTIALS_STREAM, &who, &details);

	if (e != OK) {
		exchange_error(x, e, details, 0);
		return;
	}
	if (x->request.method == METHOD_HEAD) {
		exchange_reply(x, 200, poll ? "application/json" : "text/event-stream; charset=utf-8", "", 0);
		return;
	}
	if (atomic_load(&h->readers) >= h->readers_most) {
		overloaded(x, poll);
		return;
	}
	struct reader *r = reader_of(x, poll, desk, &who);
	e = read_cursor(x, r);
	if (e == OK)
		e = read_times(x, r);
	if (e != OK) {
		exchange_error(x, e, "after, wait or heartbeat", 0);
		reader_drop(r);
		return;
	}
	if (who.stream_ticket == NULL)
		exchange_shed(x); /* all has been read: what waits by the thousand in a burst should be small */
	atomic_fetch_add(&h->readers, 1);
	hand_over(the_intake, r);
}

static void events(struct exchange *x)
{
	take_in(x, false, false);
}
static void poll_once(struct exchange *x)
{
	take_in(x, true, false);
}
static void desk_events(struct exchange *x)
{
	take_in(x, false, true);
}
static void desk_poll(struct exchange *x)
{
	take_in(x, true, true);
}

static const struct route routes[] = {
	{METHOD_GET, "/api/conversations/{id}/events", WHO_PARTICIPANT, 0, events},
	{METHOD_GET, "/api/conversations/{id}/poll", WHO_PARTICIPANT, 0, poll_once},
	{METHOD_GET, "/api/desk/events", WHO_DESK, 0, desk_events},
	{METHOD_GET, "/api/desk/poll", WHO_DESK, 0, desk_poll},
};

static void run_route(struct exchange *x, const struct route *route)
{
	route->handle(x);
}

static void *run(void *arg)
{
	struct exchange *x;

	(void)arg;
	while ((x = exchange_accept()) != NULL)
		router_run(routes, sizeof routes / sizeof *routes, x, run_route);
	return NULL;
}

struct intake *intake_start(struct hub *h)
{
	struct intake *in = calloc(1, sizeof *in);

	if (in == NULL)
		abort();
	in->hub = h;
	in->end = &in->accepted;
	pthread_mutex_init(&in->lock, NULL);
	the_intake = in;
	exchange_accept_ahead();
	if (pthread_create(&in->thread, NULL, run, NULL) != 0)
		abort();
	return in;
}

void intake_take(struct intake *in)
{
	if (in == NULL)
		return;
	pthread_mutex_lock(&in->lock);
	struct reader *r = in->accepted;
	in->accepted = NULL;
	in->end = &in->accepted;
	pthread_mutex_unlock(&in->lock);
	while (r != NULL) {
		struct reader *next = r->next;
		r->next = NULL;
		reader_begin(r);
		r = next;
	}
}

/* The last requests are still taken over afterwards (intake_take). */
void intake_stop(struct intake *in)
{
	exchange_shutdown();
	pthread_join(in->thread, NULL);
}
