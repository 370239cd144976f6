/* What readers of lasting conversations and of feeds have in common. See own.h. */
#include "stream/own.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct shown {
	struct shown *next;
	int64_t from, to;
	char conversation[ID_MAX + 1];
};

struct own *own_new(const char *thread)
{
	struct own *o = calloc(1, sizeof *o);

	if (o == NULL)
		abort();
	o->thread = thread != NULL ? strdup(thread) : NULL;
	return o;
}

void own_login(struct own *o, const char *login)
{
	free(o->login);
	o->login = login[0] != '\0' ? strdup(login) : NULL;
}

void own_free(struct own *o)
{
	if (o == NULL)
		return;
	free(o->thread);
	free(o->login);
	own_forget(&o->shown);
	free(o);
}

/* ---- status ---- */

static const char *const statuses[] = {"active", "archived", "completed"};

void place_status(struct place *p, const char *status)
{
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (strcmp(statuses[i], status) == 0)
			p->status = (uint8_t)i;
}

const char *place_status_name(const struct place *p)
{
	return statuses[p->status];
}

/* ---- threads ---- */

bool own_wants(const struct reader *r, const struct entry *e)
{
	if (r->own->thread == NULL || e->kind == ENTRY_EVENT)
		return true;
	return span_is(span_member(e->message.refs, "\"threadId\":\""), r->own->thread);
}

bool own_says(const struct entry *e, const char *event, const char *participant)
{
	return e->kind == ENTRY_EVENT && span_is(e->event, event) && span_is(span_member(e->data, "\"participant\":\""), participant);
}

/* ---- what follows from an entry ---- */

static void end_readers_of(struct place *p, struct span who)
{
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (span_is(who, r->who))
			reader_kick(r);
	}
}

void own_told(struct place *p, const struct entry *e)
{
	if (e->kind != ENTRY_EVENT)
		return;
	if (span_is(e->event, "user:left"))
		end_readers_of(p, span_member(e->data, "\"participant\":\""));
	for (size_t i = 0; span_is(e->event, "conversation:updated") && i < sizeof statuses / sizeof *statuses; i++)
		if (span_is(span_member(e->data, "\"status\":\""), statuses[i]))
			p->status = (uint8_t)i;
}

/* ---- what both do ---- */

bool own_still(struct reader *r, enum reader_state state)
{
	r->calling = false;
	if (r->hub->stopping || r->fd < 0 || r->state != state) {
		reader_dirty(r);
		return false;
	}
	if (r->stale) {
		r->stale = false;
		reader_subscribe(r);
		return false;
	}
	return true;
}

/* ---- what was shown ---- */

void own_forget(struct shown **all)
{
	while (*all != NULL) {
		struct shown *s = *all;
		*all = s->next;
		free(s);
	}
}

static const struct shown *find_shown(const struct shown *s, const char *conversation)
{
	while (s != NULL && strcmp(s->conversation, conversation) != 0)
		s = s->next;
	return s;
}

bool own_shown(const struct shown *all, const char *conversation, int64_t position)
{
	const struct shown *s = find_shown(all, conversation);

	return s != NULL && position >= s->from && position <= s->to;
}

int64_t own_shown_to(const struct shown *all, const char *conversation)
{
	const struct shown *s = find_shown(all, conversation);

	return s != NULL ? s->to : 0;
}

/* The latest stands in front; the last gives way. */
void own_show(struct shown **all, const char *conversation, int64_t position)
{
	struct shown **at = all, *s;
	int n = 0;

	while (*at != NULL && strcmp((*at)->conversation, conversation) != 0 && ++n < SHOWN_MOST)
		at = &(*at)->next;
	s = *at;
	if (s != NULL) {
		*at = s->next;
	} else {
		s = calloc(1, sizeof *s);
		if (s == NULL)
			abort();
	}
	if (strcmp(s->conversation, conversation) != 0 || position - 1 != s->to)
		s->from = position; /* with a gap before it: what was shown earlier is forgotten, and may be shown twice rather than never */
	strcpy(s->conversation, conversation);
	s->to = position;
	s->next = *all;
	*all = s;
}

/* Redis is there, or nobody can tell yet, and the hub's name is on its way: that is worth a moment. lease.c comes back to all readers, and their clock does. */
static bool lease_comes(const struct reader *r)
{
	const struct hub *h = r->hub;
	int64_t now = clock_mono_ms();

	if (h->leased || r->begun || now >= r->x->born_ms + LEASE_WAIT_MS)
		return false;
	return redis_ready(h->commands) || now < h->born_ms + LEASE_WAIT_MS;
}

void own_begin(struct reader *r)
{
	r->state = READER_SUBSCRIBING;
	if (r->calling || lease_comes(r))
		return;
	if (is_feed(r->place))
		feed_begin(r);
	else
		lasting_begin(r);
}

void own_read_on(struct reader *r)
{
	if (is_feed(r->place))
		feed_read_on(r);
	else
		lasting_read_on(r);
}
