/* Counselors' desks: readers of a list of conversations, not of a log. See hub.h and chat/desk.h.
 *
 * The news is only that something changed; what it is now is looked up, conversation by conversation, and told when it differs from what was told before. So
 * nothing depends on having heard everything: when news may have been lost, everything is looked at again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "chat/credentials.h"
#include "chat/desk.h"
#include "stream/hub.h"

enum {
	SLOTS = 1024,
	LOOK_EVERY_MS = 100,      /* a conversation where much happens is looked at so often */
	RETRY_MS = 1000,          /* after the store did not answer */
	AGAIN_MS = 10 * 60000,    /* everything is looked at again, whatever was heard */
	KEEP_MS = 5000,           /* a desk without readers: they reload their page, or poll again */
	LIST_BYTES = 4 * 1024 * 1024,
};

struct row {
	struct row *next;
	char *json;      /* as it was told; NULL: not yet, or not on this desk */
	int64_t look_at; /* clock_mono_ms; 0 = no need */
	int64_t asked_at;
	bool asking, stale; /* stale: something changed since it was asked about */
	bool wanted;        /* the list under way waits for it */
	char conversation[ID_MAX + 1];
};

struct desk {
	struct hub *hub;
	struct desk *next_in_slot;
	struct reader *readers;
	struct row *rows;
	size_t wanted;
	int64_t list;    /* the number of the last list that was asked for */
	int64_t lists;   /* the number of the last list that was got */
	bool listing, list_again;
	int64_t list_at; /* clock_mono_ms: the next one */
	int64_t idle_at; /* clock_mono_ms: since when nobody reads; 0 = somebody does */
	int calls;
	struct timer timer;
	char counselor[ID_MAX + 1];
};

struct desks {
	struct desk *slots[SLOTS];
};

static void list(struct desk *d);
static void schedule(struct desk *d);

/* ---- the table ---- */

static struct desk **slot_of(struct hub *h, const char *counselor)
{
	return &h->desks->slots[id_fnv(counselor, strlen(counselor)) % SLOTS];
}

static struct desk *desk_find(struct hub *h, const char *counselor)
{
	struct desk *d = *slot_of(h, counselor);

	while (d != NULL && strcmp(d->counselor, counselor) != 0)
		d = d->next_in_slot;
	return d;
}

static void row_free(struct row *w)
{
	free(w->json);
	free(w);
}

static void desk_free(struct desk *d)
{
	while (d->rows != NULL) {
		struct row *w = d->rows;
		d->rows = w->next;
		row_free(w);
	}
	timer_clear(&d->hub->timers, &d->timer);
	free(d);
}

/* Forgets the desk when nobody has read it for a while and nothing is under way. */
static bool forgotten(struct desk *d)
{
	struct desk **at = slot_of(d->hub, d->counselor);

	if (d->readers != NULL || d->calls > 0 || d->idle_at == 0 || clock_mono_ms() < d->idle_at + KEEP_MS)
		return false;
	while (*at != d)
		at = &(*at)->next_in_slot;
	*at = d->next_in_slot;
	desk_leave(d->hub->commands, d->counselor, d->hub->id);
	desk_free(d);
	return true;
}

static void each(struct hub *h, void (*fn)(struct desk *d))
{
	for (size_t i = 0; i < SLOTS; i++)
		for (struct desk *d = h->desks->slots[i]; d != NULL; d = d->next_in_slot)
			fn(d);
}

/* ---- what readers are told ---- */

static void tell(struct desk *d, const char *event, const char *data, size_t len)
{
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state != READER_LIVE)
			continue;
		if (r->poll)
			reader_kick(r); /* it gets the whole list */
		else
			answer_event(r, NULL, event, data, len);
	}
}

static void tell_removed(struct desk *d, const char *conversation, const char *why)
{
	char data[ID_MAX + 80];
	int n = snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"reason\":\"%s\"}", conversation, why);

	tell(d, "desk:removed", data, (size_t)n);
}

static void write_list(struct buf *b, const struct desk *d)
{
	const char *comma = "";

	BUF_LIT(b, "{\"sessions\":[");
	for (const struct row *w = d->rows; w != NULL; w = w->next) {
		if (w->json == NULL)
			continue;
		buf_str(b, comma);
		buf_str(b, w->json);
		comma = ",";
	}
	BUF_LIT(b, "],\"at\":");
	buf_int(b, clock_now_ms());
	buf_char(b, '}');
}

/* Names what the list is now, whatever the order of its rows. */
static void print_list(char out[17], const struct desk *d)
{
	uint64_t sum = 1469598103934665603U;

	for (const struct row *w = d->rows; w != NULL; w = w->next)
		if (w->json != NULL)
			sum += id_fnv(w->json, strlen(w->json)) * 0x9e3779b97f4a7c15U;
	snprintf(out, 17, "%016llx", (unsigned long long)sum);
}

static void answer_list(struct reader *r)
{
	struct buf data;
	char print[17];

	r->state = READER_LIVE;
	if (r->poll) {
		r->begun = true;
		print_list(print, r->desk);
		if (strcmp(print, r->arrival->conversation) != 0)
			reader_kick(r);
		reader_started(r);
		return;
	}
	buf_init(&data, LIST_BYTES);
	write_list(&data, r->desk);
	answer_begin(r);
	r->out.max = data.len + OUT_MOST; /* a long list is no slow reader */
	answer_event(r, NULL, "ready", data.data, data.len);
	buf_done(&data);
	reader_arrived(r);
	reader_started(r);
}

void desk_answer_poll(struct reader *r)
{
	struct buf body;
	char print[17];
	const struct buf *events = &r->arrival->events;

	print_list(print, r->desk);
	buf_init(&body, LIST_BYTES);
	BUF_LIT(&body, "{\"events\":[");
	buf_add(&body, events->data, events->len);
	if (strcmp(print, r->arrival->conversation) != 0) {
		buf_str(&body, events->len > 0 ? "," : "");
		BUF_LIT(&body, "{\"event\":\"ready\",\"data\":");
		write_list(&body, r->desk);
		buf_char(&body, '}');
	}
	BUF_LIT(&body, "],\"cursor\":\"");
	buf_str(&body, print);
	BUF_LIT(&body, "\"}");
	desk_part(r);
	exchange_json(r->x, 200, &body);
	buf_done(&body);
	r->x = NULL;
	r->fd = -1;
	r->state = READER_ENDING;
}

/* ---- looking ---- */

static struct row **find_row(struct desk *d, const char *conversation)
{
	struct row **at = &d->rows;

	while (*at != NULL && strcmp((*at)->conversation, conversation) != 0)
		at = &(*at)->next;
	return at;
}

static struct row *get_row(struct desk *d, const char *conversation)
{
	struct row **at = find_row(d, conversation), *w = *at;

	if (w != NULL)
		return w;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		abort();
	snprintf(w->conversation, sizeof w->conversation, "%s", conversation);
	*at = w;
	return w;
}

/* The list is complete when each of its rows was looked at since. */
static void list_goes_on(struct desk *d)
{
	if (d->listing || d->wanted > 0)
		return;
	d->lists = d->list;
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state == READER_SUBSCRIBING && r->at.position <= d->lists)
			answer_list(r);
	}
	if (d->list_again)
		list(d);
}

/* Whoever waits for the list will not get it now; those who have one keep it. */
static void list_failed(struct desk *d, enum err e)
{
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state == READER_SUBSCRIBING)
			answer_refuse(r, e);
	}
	d->list_at = clock_mono_ms() + RETRY_MS;
}

struct look {
	struct desk *desk;
	char conversation[ID_MAX + 1];
};

static void ask(struct desk *d, struct row *w);

static void take_row(struct desk *d, struct row *w, const struct desk_seen *s)
{
	if (w->json != NULL && strcmp(w->json, s->json) == 0)
		return;
	free(w->json);
	w->json = strdup(s->json);
	if (w->json == NULL)
		abort();
	tell(d, "desk:session", w->json, s->json_len);
}

static void looked(void *ctx, enum err e, const struct desk_seen *s)
{
	struct look *l = ctx;
	struct desk *d = l->desk;
	struct row **at = find_row(d, l->conversation), *w = *at;
	int64_t now = clock_mono_ms();

	free(l);
	d->calls--;
	w->asking = false;
	if (d->hub->stopping)
		return;
	if (e != OK && w->wanted)
		list_failed(d, e);
	if (e == OK && s->gone == NULL) {
		take_row(d, w, s);
		w->look_at = hub_mono_of(s->look_at) + 50;
	} else if (e != OK) {
		w->look_at = now + RETRY_MS;
	}
	if (w->stale && w->wanted && e == OK) {
		ask(d, w);
		return;
	}
	if (w->stale)
		w->look_at = w->asked_at + LOOK_EVERY_MS;
	if (w->wanted) {
		w->wanted = false;
		d->wanted--;
	}
	if (e == OK && s->gone != NULL && !w->stale) {
		if (w->json != NULL)
			tell_removed(d, w->conversation, s->gone);
		at = find_row(d, w->conversation);
		*at = w->next;
		row_free(w);
	}
	list_goes_on(d);
	schedule(d);
}

static void ask(struct desk *d, struct row *w)
{
	struct look *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	l->desk = d;
	strcpy(l->conversation, w->conversation);
	w->asking = true;
	w->stale = false;
	w->look_at = 0;
	w->asked_at = clock_mono_ms();
	d->calls++;
	desk_look(d->hub->commands, d->counselor, w->conversation, looked, l);
}

/* Something about it changed. */
static void look_soon(struct desk *d, struct row *w)
{
	int64_t now = clock_mono_ms();

	if (w->asking)
		w->stale = true;
	else if (now - w->asked_at >= LOOK_EVERY_MS)
		ask(d, w);
	else if (w->look_at == 0 || w->look_at > w->asked_at + LOOK_EVERY_MS)
		w->look_at = w->asked_at + LOOK_EVERY_MS;
}

void desks_news(struct hub *h, const char *counselor, const char *conversation)
{
	struct desk *d = desk_find(h, counselor);

	if (d == NULL || h->stopping)
		return;
	look_soon(d, get_row(d, conversation));
	schedule(d);
}

/* ---- the list ---- */

static void want(struct desk *d, struct row *w)
{
	if (!w->wanted)
		d->wanted++;
	w->wanted = true;
	if (w->asking)
		w->stale = true;
	else
		ask(d, w);
}

static void listed(void *ctx, enum err e, bool no_lease, const char *const *ids, size_t n)
{
	struct desk *d = ctx;

	d->calls--;
	d->listing = false;
	if (d->hub->stopping)
		return;
	if (no_lease) {
		d->list_at = clock_mono_ms() + RETRY_MS; /* at the latest: desks_again comes with the new name */
		d->list_again = true;
		lease_lost(d->hub);
	} else if (e != OK) {
		list_failed(d, e);
	} else {
		for (struct row *w = d->rows; w != NULL; w = w->next)
			want(d, w);
		for (size_t i = 0; i < n; i++) {
			struct row *w = get_row(d, ids[i]);
			if (!w->wanted)
				want(d, w);
		}
		list_goes_on(d);
	}
	schedule(d);
}

static void list(struct desk *d)
{
	if (d->listing || d->wanted > 0 || !d->hub->leased) {
		d->list_again = true; /* desks_again follows the lease */
		return;
	}
	d->listing = true;
	d->list_again = false;
	d->list++;
	d->list_at = clock_mono_ms() + AGAIN_MS;
	d->calls++;
	desk_ids(d->hub->commands, d->counselor, d->hub->id, listed, d);
}

static void list_anew(struct desk *d)
{
	list(d);
	schedule(d);
}

void desks_again(struct hub *h)
{
	each(h, list_anew);
}

/* ---- the clock ---- */

static void fire(void *owner)
{
	struct desk *d = owner;
	int64_t now = clock_mono_ms();

	if (forgotten(d))
		return;
	if (d->list_at <= now && d->hub->leased && !d->listing && d->wanted == 0)
		list(d);
	for (struct row *w = d->rows; w != NULL; w = w->next)
		if (!w->asking && w->look_at != 0 && w->look_at <= now)
			ask(d, w);
	schedule(d);
}

static void schedule(struct desk *d)
{
	int64_t at = d->list_at > 0 ? d->list_at : clock_mono_ms() + AGAIN_MS, now = clock_mono_ms();

	if (d->hub->stopping)
		return;
	if (at <= now)
		at = now + LOOK_EVERY_MS; /* a list is under way */
	for (const struct row *w = d->rows; w != NULL; w = w->next)
		if (!w->asking && w->look_at != 0 && w->look_at < at)
			at = w->look_at;
	if (d->idle_at != 0 && d->idle_at + KEEP_MS < at)
		at = d->calls > 0 ? now + LOOK_EVERY_MS : d->idle_at + KEEP_MS;
	timer_set(&d->hub->timers, &d->timer, at);
}

/* ---- readers ---- */

static void join(struct reader *r)
{
	struct hub *h = r->hub;
	struct desk *d = desk_find(h, r->who);

	if (d == NULL) {
		struct desk **slot = slot_of(h, r->who);
		d = calloc(1, sizeof *d);
		if (d == NULL)
			abort();
		d->hub = h;
		d->timer = (struct timer){.fire = fire, .owner = d};
		strcpy(d->counselor, r->who);
		d->next_in_slot = *slot;
		*slot = d;
	}
	d->idle_at = 0;
	r->desk = d;
	r->next = d->readers;
	r->prev = &d->readers;
	if (r->next != NULL)
		r->next->prev = &r->next;
	d->readers = r;
	r->state = READER_SUBSCRIBING;
	/* The list it gets was begun after it came, so that it knows at least what its counselor knew. */
	r->at.position = d->list + 1;
	list(d);
	schedule(d);
}

void desk_part(struct reader *r)
{
	struct desk *d = r->desk;

	if (d == NULL)
		return;
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	r->desk = NULL;
	if (d->readers == NULL) {
		d->idle_at = clock_mono_ms();
		schedule(d);
	}
}

static void redeemed(void *ctx, enum err e, const struct ticket *t)
{
	struct reader *r = ctx;

	r->calling = false;
	if (r->fd < 0) {
		reader_left(r);
		return;
	}
	if (e == OK && r->known && strcmp(t->participant, r->who) != 0)
		e = ERR_BAD_REQUEST;
	if (e == OK && t->expires_at_ms <= clock_now_ms())
		e = ERR_TICKET_EXPIRED;
	if (e == OK) {
		char *jwt = ticket_mint(t);
		reader_identify(r, t);
		if (jwt != NULL)
			credentials_cookie_set(r->x, t, jwt, strlen(jwt));
		free(jwt);
	} else if (!(e == ERR_UNAUTHENTICATED && r->known)) {
		answer_refuse(r, e);
		return;
	}
	join(r);
}

void desk_begin(struct reader *r)
{
	if (r->arrival->stream_ticket == NULL) {
		join(r);
		return;
	}
	r->state = READER_REDEEMING;
	r->calling = true;
	desk_redeem(r->hub->commands, r->arrival->stream_ticket, redeemed, r);
}

/* ---- the hub's beginning and end ---- */

static void kick_readers(struct desk *d)
{
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		reader_kick(r);
	}
}

void desks_kick(struct hub *h)
{
	each(h, kick_readers);
}

void desks_open(struct hub *h)
{
	h->desks = calloc(1, sizeof *h->desks);
	if (h->desks == NULL)
		abort();
}

void desks_close(struct hub *h)
{
	for (size_t i = 0; i < SLOTS; i++)
		while (h->desks->slots[i] != NULL) {
			struct desk *d = h->desks->slots[i];
			h->desks->slots[i] = d->next_in_slot;
			desk_free(d);
		}
	free(h->desks);
}
