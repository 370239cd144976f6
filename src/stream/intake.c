/* The accepting side of a hub: threads that take requests from libfcgi, check who is there (CPU only), and hand readers to the loop. See hub.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat/credentials.h"
#include "http/router.h"
#include "stream/own.h"

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

/* What a request is for. */
struct wish {
	bool poll, desk, feed;
};

/* Readers of what lasts. ERR_NOT_FOUND: a thread of that name cannot be. */
static enum err read_own(const struct exchange *x, struct reader *r, const struct wish *w, const struct credentials *who)
{
	const char *thread = NULL;
	enum err e = w->feed ? OK : request_query(&x->request, "thread", &thread);

	if (e == OK && thread != NULL && !id_valid(thread, strlen(thread)))
		e = ERR_NOT_FOUND;
	if (e != OK)
		return e;
	r->own = own_new(thread);
	r->arrival->who = malloc(sizeof *who);
	if (r->arrival->who == NULL)
		abort();
	*r->arrival->who = *who;
	if (w->feed)
		strcpy(r->arrival->conversation, "@");
	else
		snprintf(r->arrival->conversation, sizeof r->arrival->conversation, "=%s", x->request.params[0]);
	return OK;
}

static struct reader *reader_of(struct exchange *x, const struct wish *w, const struct credentials *who)
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
	r->poll = w->poll;
	r->at_desk = w->desk;
	r->known = who->known;
	reader_identify(r, who->known ? &who->ticket : &nobody);
	if (!w->desk && !w->feed)
		snprintf(r->arrival->conversation, sizeof r->arrival->conversation, "%s", x->request.params[0]);
	if (who->stream_ticket != NULL)
		r->arrival->stream_ticket = strdup(who->stream_ticket);
	return r;
}

static enum err look_who(const struct exchange *x, const struct wish *w, struct credentials *who, const char **details)
{
	if (w->desk)
		return credentials_desk(x, CREDENTIALS_STREAM, who, details);
	if (w->feed)
		return credentials_user(x, NULL, CREDENTIALS_STREAM, who, details);
	return credentials_member(x, x->request.params[0], CREDENTIALS_STREAM, who, details);
}

static bool of_user(const struct wish *w, const struct credentials *who)
{
	return w->feed || (who->known && who->ticket.kind == TICKET_USER) || (who->stream_ticket != NULL && who->stream_ticket[0] == 'u');
}

static void take_in(struct exchange *x, struct wish w)
{
	struct hub *h = the_intake->hub;
	struct credentials who;
	const char *details = NULL;
	enum err e = look_who(x, &w, &who, &details);

	if (e != OK) {
		exchange_error(x, e, details, 0);
		return;
	}
	if (x->request.method == METHOD_HEAD) {
		exchange_reply(x, 200, w.poll ? "application/json" : "text/event-stream; charset=utf-8", "", 0);
		return;
	}
	if (atomic_load(&h->readers) >= h->readers_most) {
		overloaded(x, w.poll);
		return;
	}
	struct reader *r = reader_of(x, &w, &who);
	e = of_user(&w, &who) ? read_own(x, r, &w, &who) : OK;
	if (e == OK)
		e = read_cursor(x, r);
	if (e == OK)
		e = read_times(x, r);
	if (e != OK) {
		exchange_error(x, e, e == ERR_BAD_REQUEST ? "after, wait, heartbeat or thread" : NULL, 0);
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
	take_in(x, (struct wish){0});
}
static void poll_once(struct exchange *x)
{
	take_in(x, (struct wish){.poll = true});
}
static void desk_events(struct exchange *x)
{
	take_in(x, (struct wish){.desk = true});
}
static void desk_poll(struct exchange *x)
{
	take_in(x, (struct wish){.poll = true, .desk = true});
}
static void feed_events(struct exchange *x)
{
	take_in(x, (struct wish){.feed = true});
}
static void feed_poll(struct exchange *x)
{
	take_in(x, (struct wish){.poll = true, .feed = true});
}

static const struct route routes[] = {
	{METHOD_GET, "/api/conversations/{id}/events", WHO_MEMBER, 0, events},
	{METHOD_GET, "/api/conversations/{id}/poll", WHO_MEMBER, 0, poll_once},
	{METHOD_GET, "/api/desk/events", WHO_DESK, 0, desk_events},
	{METHOD_GET, "/api/desk/poll", WHO_DESK, 0, desk_poll},
	{METHOD_GET, "/api/events", WHO_USER, 0, feed_events},
	{METHOD_GET, "/api/poll", WHO_USER, 0, feed_poll},
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
