/* Without Redis: each second what was committed and is not announced, for all feeds of the hub. See own.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "stream/own.h"

enum { LATE_MS = 10000 }; /* a transaction may commit so long after the time that its rows bear */

struct gathering {
	struct work work;
	struct arena arena;
	int64_t since, until;
	struct follow_part *parts; /* owned */
	struct follow_change *changes;
};

static enum err gather(struct db *d, struct work *w)
{
	struct gathering *g = (struct gathering *)w;

	return follow_changes(d, &g->arena, g->since, g->parts, &g->changes, &g->until);
}

/* Who is out is told of his leaving only. */
static bool may_see(const struct member *m, const struct entry *e)
{
	if (m->left_at == 0)
		return true;
	return own_says(e, "user:left", m->participant);
}

/* From where on the reader is told of it: what the outbox has, and what stands between that and what was told before: Redis may have taken it and gone. */
static int64_t start_of(const struct reader *r, const struct follow_change *c)
{
	int64_t by_news = own_shown_to(place_fed(r->place)->shown, c->conversation), alone = own_shown_to(r->own->shown, c->conversation);
	int64_t known = by_news > alone ? by_news : alone;

	return known == 0 ? c->from : known < INT64_MAX ? known + 1 : known;
}

static void tell(struct reader *r, const struct follow_change *c, const struct member *m)
{
	int64_t now = clock_now_ms();

	if (r->own->since > now) /* the clock was set back */
		r->own->since = now - LATE_MS;
	if (r->state != READER_LIVE || r->own->registered || c->at <= r->own->since)
		return;
	if (c->gone) {
		feed_give_gone(r, NULL, c->conversation, c->at);
		return;
	}
	if (r->out.len > 0)
		r->hub->looks->slow = true; /* it has not taken what it was told before */
	int64_t start = start_of(r, c);
	for (int i = 0; i < c->count && r->state == READER_LIVE; i++) {
		struct entry e;
		if (c->lines[i].position >= start && entry_parse(&e, c->lines[i].position, c->lines[i].bytes, c->lines[i].len) && may_see(m, &e))
			feed_give(r, NULL, c->conversation, &e);
	}
}

/* False: no such feed is open here. */
static bool tell_feed(struct hub *h, const struct follow_change *c, const struct member *m)
{
	char name[PLACE_MAX + 1] = "@";
	struct place *p;

	strncat(name, m->participant, ID_MAX);
	p = place_find(h, name);
	if (p == NULL || p->gone)
		return false;
	p->calls++;
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		tell(r, c, m);
	}
	p->calls--;
	place_release(p);
	return true;
}

static void free_parts(struct follow_part **parts)
{
	while (*parts != NULL) {
		struct follow_part *p = *parts;
		*parts = p->next;
		free(p);
	}
}

/* Its lines did not fit: the next look goes on behind them. */
static void add_part(struct looks *all, const struct follow_change *c)
{
	struct follow_part *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->next = all->parts;
	all->parts = p;
	p->to = c->lines[c->count - 1].position;
	strncpy(p->conversation, c->conversation, ID_MAX);
}

static void send_gathering(struct hub *h);

static void gathered(struct work *w)
{
	struct gathering *g = (struct gathering *)w;
	struct hub *h = w->hub;
	struct looks *all = h->looks;

	all->gathering = all->slow = false;
	if (w->err == OK && !h->stopping) {
		all->gathered_until = g->until - LATE_MS;
		for (const struct follow_change *c = g->changes; c != NULL; c = c->next) {
			bool wanted = false;
			for (int i = 0; i < c->member_count; i++)
				wanted |= tell_feed(h, c, &c->members[i]);
			if (wanted && !c->gone && c->count > 0 && c->lines[c->count - 1].position < c->to)
				add_part(all, c);
		}
	}
	if (w->err != OK) { /* at the next tick */
		all->parts = g->parts;
		g->parts = NULL;
		all->slow = true;
	}
	free_parts(&g->parts);
	arena_done(&g->arena);
	free(g);
	if (all->parts != NULL && !all->slow)
		send_gathering(h);
}

static void send_gathering(struct hub *h)
{
	struct gathering *g = calloc(1, sizeof *g);
	int64_t latest = clock_now_ms() - LATE_MS; /* the clock may have been set back since */

	if (g == NULL)
		abort();
	arena_init(&g->arena);
	g->since = h->looks->gathered_until < latest ? h->looks->gathered_until : latest;
	g->parts = h->looks->parts;
	h->looks->parts = NULL;
	g->work.does = gather;
	g->work.done = gathered;
	h->looks->gathering = true;
	hub_work(h, &g->work);
}

void look_feeds(struct hub *h, bool first)
{
	if (first) {
		h->looks->gathered_until = clock_now_ms() - LATE_MS;
		free_parts(&h->looks->parts);
	}
	if (!h->looks->gathering)
		send_gathering(h);
}

void look_feeds_done(struct looks *all)
{
	free_parts(&all->parts);
}
