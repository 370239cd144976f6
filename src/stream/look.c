/* One look per hub at SQL: what the news did not tell. With Redis, at each place once a minute, and where news may have been lost; without, at all of them each
 * second. See own.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/call.h"
#include "stream/own.h"

enum { LOOK_MS = 1000, LOOK_AGAIN_MS = 60000, HEARD_MS = 2500, PING_MS = 1000, AGAIN_TURNS = 5 };

/* ---- is Redis there? ---- */

static void ponged(void *ctx, const struct reply *r)
{
	struct hub *h = ctx;

	h->looks->pinging = false;
	if (reply_kind(r) == REPLY_INTEGER)
		h->looks->heard_at = clock_mono_ms();
}

static void ping(struct hub *h)
{
	struct args a;

	if (h->looks->pinging)
		return;
	h->looks->pinging = true;
	args_init(&a);
	args_probe(&a);
	redis_call(h->commands, &a, PING_MS, ponged, h);
}

bool look_alone(struct hub *h)
{
	return !h->leased || !redis_ready(h->commands) || !redis_ready(h->inbox) ||
		(h->looks != NULL && clock_mono_ms() - h->looks->heard_at > HEARD_MS);
}

/* ---- a look ---- */

struct seen {
	char place[PLACE_MAX + 1];
	int64_t end;
	struct entry_line *lines;
	int count;
};

struct login {
	struct login *next;
	struct seen *seen;
	const char *id;
	bool over;
};

struct look {
	struct work work;
	struct arena arena;
	size_t count;
	struct login *logins;
	struct seen seen[FOLLOW_MANY];
	int64_t length[FOLLOW_MANY];
};

static enum err look(struct db *d, struct work *w)
{
	struct look *l = (struct look *)w;
	const char *ids[FOLLOW_MANY];
	enum err e;

	/* A feed's place has only logins to look at: no conversation's id begins with @. */
	for (size_t i = 0; i < l->count; i++)
		ids[i] = l->seen[i].place + (l->seen[i].place[0] == '=' ? 1 : 0);
	e = follow_lengths(d, ids, l->length, l->count);
	for (size_t i = 0; e == OK && i < l->count; i++) {
		struct seen *s = &l->seen[i];
		if (s->place[0] == '=' && l->length[i] > s->end)
			e = follow_entries(d, &l->arena, ids[i], s->end, READ_MOST, READ_BYTES, &s->lines, &s->count);
		if (e == ERR_NOT_FOUND) /* erased since */
			e = OK;
	}
	for (struct login *m = l->logins; e == OK && m != NULL; m = m->next) {
		e = follow_login(d, m->id);
		m->over = e == ERR_UNAUTHENTICATED;
		e = m->over ? OK : e;
	}
	return e;
}

static void end_login(struct place *p, const char *login)
{
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->own->login != NULL && strcmp(r->own->login, login) == 0)
			reader_kick(r);
	}
}

/* What was read is told as news would be. Who is further behind reads on by itself. */
static void tell(struct place *p, const struct seen *s, int64_t length)
{
	if (length < 0) {
		lasting_erased(p);
		return;
	}
	for (int i = 0; i < s->count; i++) {
		struct entry e;
		if (entry_parse(&e, s->lines[i].position, s->lines[i].bytes, s->lines[i].len))
			place_entry(p, &e);
	}
	if (length > p->end)
		p->end = length;
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state == READER_LIVE && r->at.position < length)
			reader_read_on(r);
	}
}

static void looked(struct work *w)
{
	struct look *l = (struct look *)w;
	struct hub *h = w->hub;

	for (size_t i = 0; i < l->count; i++) {
		struct place *p = place_find(h, l->seen[i].place);
		if (p == NULL || !p->looking)
			continue;
		p->looking = false;
		if (w->err != OK || h->stopping || p->gone)
			continue;
		p->look_at = clock_mono_ms() + LOOK_AGAIN_MS;
		p->calls++;
		if (!is_feed(p))
			tell(p, &l->seen[i], l->length[i]);
		for (struct login *m = l->logins; m != NULL; m = m->next)
			if (m->seen == &l->seen[i] && m->over)
				end_login(p, m->id);
		p->calls--;
		place_release(p);
	}
	arena_done(&l->arena);
	free(l);
}

static void send_look(struct hub *h)
{
	struct look *l = h->looks->under;

	h->looks->under = NULL;
	if (l == NULL)
		return;
	l->work.does = look;
	l->work.done = looked;
	hub_work(h, &l->work);
}

/* ---- which places ---- */

static void note_logins(struct look *l, struct seen *s, const struct place *p)
{
	for (const struct reader *r = p->readers; r != NULL; r = r->next) {
		if (r->own->login == NULL)
			continue;
		struct login *m = arena_alloc(&l->arena, sizeof *m);
		*m = (struct login){.next = l->logins, .seen = s, .id = arena_strdup(&l->arena, r->own->login)};
		l->logins = m;
	}
}

static void add_place(struct place *p, bool due)
{
	struct looks *all = p->hub->looks;
	struct look *l = all->under;

	if (l == NULL) {
		l = all->under = calloc(1, sizeof *l);
		if (l == NULL)
			abort();
		arena_init(&l->arena);
	}
	struct seen *s = &l->seen[l->count++];
	strcpy(s->place, p->conversation);
	s->end = p->end;
	p->looking = true;
	if (due)
		note_logins(l, s, p);
	if (l->count == FOLLOW_MANY)
		send_look(p->hub);
}

/* What Redis does not know of is told nothing by it. */
static bool unheard(const struct place *p)
{
	for (const struct reader *r = p->readers; r != NULL; r = r->next)
		if (!r->own->registered && (r->state == READER_LIVE || r->state == READER_CATCHING_UP))
			return true;
	return false;
}

static void again_unheard(struct place *p)
{
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (!r->own->registered && (r->state == READER_LIVE || r->state == READER_CATCHING_UP))
			reader_again(r);
	}
}

/* Redis is away: whether it still knows them when it is back, nobody can tell. */
static void unregister(struct place *p)
{
	for (struct reader *r = p->readers; place_lasts(p->conversation) && r != NULL; r = r->next)
		r->own->registered = false;
}

static bool has_login(const struct place *p)
{
	for (const struct reader *r = p->readers; r != NULL; r = r->next)
		if (r->own->login != NULL)
			return true;
	return false;
}

static void consider(struct place *p)
{
	struct looks *all = p->hub->looks;

	if (!place_lasts(p->conversation) || p->gone || p->readers == NULL)
		return;
	bool by_sql = all->alone || unheard(p), due = p->look_at <= clock_mono_ms();
	all->places++;
	all->feeds += is_feed(p) && by_sql;
	if (is_feed(p))
		feed_large_due(p, clock_mono_ms());
	if (all->again && by_sql)
		again_unheard(p);
	if (p->look_at == 0 || p->looking)
		return;
	if (is_feed(p) ? due && has_login(p) : due || by_sql)
		add_place(p, due);
}

static void tick(void *owner)
{
	struct looks *all = owner;
	struct hub *h = all->hub;
	bool before = all->alone;

	if (h->stopping)
		return;
	all->alone = look_alone(h);
	if (all->alone && !before)
		place_each(h, unregister);
	all->again = !all->alone && (before || ++all->turn % AGAIN_TURNS == 0);
	all->places = all->feeds = 0;
	ping(h);
	place_each(h, consider);
	send_look(h);
	if (all->feeds > 0)
		look_feeds(h, all->feeds_before == 0);
	all->feeds_before = all->feeds;
	feed_large_look(h);
	if (all->places > 0)
		timer_set(&h->timers, &all->timer, clock_mono_ms() + LOOK_MS);
}

void look_begin(struct hub *h)
{
	if (h->looks == NULL) {
		h->looks = calloc(1, sizeof *h->looks);
		if (h->looks == NULL)
			abort();
		*h->looks = (struct looks){.hub = h, .timer = {.fire = tick, .owner = h->looks}};
	}
	if (h->looks->timer.place != 0)
		return;
	h->looks->heard_at = clock_mono_ms();
	timer_set(&h->timers, &h->looks->timer, clock_mono_ms() + LOOK_MS);
}

void look_later(struct place *p)
{
	if (p->look_at == 0)
		p->look_at = clock_mono_ms() + LOOK_AGAIN_MS;
}

static void end_revoked(struct place *p)
{
	if (place_lasts(p->conversation))
		end_login(p, p->hub->looks->revoked);
}

void look_revoke(struct hub *h, struct span login)
{
	struct looks *all = h->looks;

	if (all == NULL || login.len == 0 || login.len >= sizeof all->revoked)
		return;
	memcpy(all->revoked, login.at, login.len);
	all->revoked[login.len] = '\0';
	place_each(h, end_revoked);
}

void looks_done(struct hub *h)
{
	if (h->looks != NULL) {
		feed_large_done(h->looks);
		look_feeds_done(h->looks);
	}
	free(h->looks);
}
