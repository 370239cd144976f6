/* Feeds and conversations of very many people: these are not put into everybody's feed (chat/announce.h). Who has his feed open is told all the same, without a cursor: a look at SQL
 * each second, one for the whole hub. Which these are, is asked when a feed begins, and each minute; that one came to be so large, or somebody to it, is news (store/lua/feed.lua).
 * Who opens a feed is told what is unread there, and so is whose feed is found not to have followed one. See own.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/call.h"
#include "stream/own.h"

enum {
	LARGE_PEOPLE = ANNOUNCE_FEEDS - 20, /* a little early: one may grow between two looks at who is in which */
	LARGE_MOST = 500,                   /* of one person: those where something happened last */
	LARGE_AGAIN_MS = 60000,
	LARGE_FAILED_MS = 3000,
};

struct large {
	struct large *next;
	int64_t end; /* looked at up to here: no further than the least of those who follow it were told */
	int follow;  /* feeds of this hub that follow it; none: it goes with the next look */
	char conversation[ID_MAX + 1];
};

/* One that a feed follows. */
struct follows {
	struct large *large;
	int64_t to; /* what stands up to here is not told any more */
	bool fresh; /* known by news that may be younger than the list that is on its way */
};

struct fed *place_fed(struct place *p)
{
	if (p->fed == NULL)
		p->fed = calloc(1, sizeof *p->fed);
	if (p->fed == NULL)
		abort();
	return p->fed;
}

void fed_free(struct fed *f)
{
	if (f == NULL)
		return;
	own_forget(&f->shown);
	for (int i = 0; i < f->large_count; i++)
		f->large[i].large->follow--;
	free(f->large);
	free(f);
}

/* ---- whose are which ---- */

struct listing {
	struct work work;
	struct arena arena;
	char user[ID_MAX + 1];
	struct follow_large *large;
	int count;
	unsigned number; /* of fed.lists: whoever wanted one by then has it here */
};

static enum err list(struct db *d, struct work *w)
{
	struct listing *l = (struct listing *)w;

	return follow_large(d, &l->arena, l->user, LARGE_PEOPLE, LARGE_MOST, &l->large, &l->count);
}

static struct large *find_large(struct looks *all, const char *conversation)
{
	struct large *g = all->large;

	while (g != NULL && strcmp(g->conversation, conversation) != 0)
		g = g->next;
	return g;
}

/* From behind that position on. */
static struct large *follow(struct looks *all, const char *conversation, int64_t to)
{
	struct large *g = find_large(all, conversation);

	if (g == NULL) {
		g = calloc(1, sizeof *g);
		if (g == NULL)
			abort();
		g->end = to;
		strcpy(g->conversation, conversation);
		g->next = all->large;
		all->large = g;
	}
	if (to < g->end)
		g->end = to; /* the others that follow it know what they were told */
	g->follow++;
	return g;
}

static struct follows *find_follows(struct fed *f, const char *conversation)
{
	for (int i = 0; i < f->large_count; i++)
		if (strcmp(f->large[i].large->conversation, conversation) == 0)
			return &f->large[i];
	return NULL;
}

static void drop(struct fed *f, int i)
{
	f->large[i].large->follow--;
	f->large[i] = f->large[--f->large_count];
}

static bool is_told(const struct reader *r)
{
	return r->fd >= 0 && (r->state == READER_LIVE || r->state == READER_CATCHING_UP);
}

static void tell_unread(struct reader *r, const struct follow_large *l)
{
	char data[ID_MAX + 80];
	int n = snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"unread\":%lld}", l->conversation, (long long)l->unread);

	if (l->unread > 0 && is_told(r))
		answer_event(r, NULL, "unread", data, (size_t)n);
}

/* Nobody who is open here was told of what happened in it until now. */
static void tell_missed(struct place *p, const struct follow_large *l)
{
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->own->wants_unread != 0 || !is_told(r))
			continue;
		tell_unread(r, l);
		if (r->poll && l->unread > 0) {
			r->has_delivery = true;
			reader_dirty(r);
		}
	}
}

/* It is followed as the list has it; what is known by news alone stays until the next one. */
static void take_list(struct place *p, const struct listing *l)
{
	struct fed *f = place_fed(p), was = *f;

	f->large = calloc((size_t)(l->count + was.large_count) + 1, sizeof *f->large);
	if (f->large == NULL)
		abort();
	f->large_count = 0;
	for (int i = 0; i < l->count; i++) {
		const struct follow_large *one = &l->large[i];
		const struct follows *known = find_follows(&was, one->conversation);
		int64_t to = known != NULL ? known->to : one->length;
		f->large[f->large_count++] = (struct follows){follow(p->hub->looks, one->conversation, to), to, false};
	}
	for (int i = 0; i < was.large_count; i++) {
		const struct follows *one = &was.large[i];
		if (one->fresh && find_follows(f, one->large->conversation) == NULL)
			f->large[f->large_count++] = (struct follows){follow(p->hub->looks, one->large->conversation, one->to), one->to, false};
	}
	for (int i = 0; i < l->count && was.listed; i++)
		if (find_follows(&was, l->large[i].conversation) == NULL)
			tell_missed(p, &l->large[i]);
	for (int i = 0; i < was.large_count; i++)
		was.large[i].large->follow--;
	free(was.large);
	f->listed = true;
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->own->wants_unread == 0 || r->own->wants_unread > l->number || !is_told(r))
			continue;
		r->own->wants_unread = 0;
		for (int i = 0; i < l->count; i++)
			tell_unread(r, &l->large[i]);
	}
}

static void send_list(struct place *p);

static void listed(struct work *w)
{
	struct listing *l = (struct listing *)w;
	char name[PLACE_MAX + 1];

	snprintf(name, sizeof name, "@%s", l->user);
	struct place *p = place_find(w->hub, name);
	if (p != NULL && p->fed != NULL && !w->hub->stopping) {
		p->fed->listing = false;
		p->calls++;
		if (w->err == OK)
			take_list(p, l);
		else
			p->fed->large_at = clock_mono_ms() + LARGE_FAILED_MS;
		if (p->fed->lists != l->number) /* somebody began meanwhile */
			send_list(p);
		p->calls--;
		place_release(p);
	}
	arena_done(&l->arena);
	free(l);
}

static void send_list(struct place *p)
{
	struct fed *f = place_fed(p);
	struct listing *l = calloc(1, sizeof *l);

	if (l == NULL)
		abort();
	f->listing = true;
	f->large_at = clock_mono_ms() + LARGE_AGAIN_MS;
	arena_init(&l->arena);
	strcpy(l->user, p->conversation + 1);
	l->number = f->lists;
	l->work.does = list;
	l->work.done = listed;
	hub_work(p->hub, &l->work);
}

void feed_large_list(struct place *p)
{
	struct fed *f = place_fed(p);

	if (++f->lists == 0)
		f->lists = 1;
	if (!f->listing)
		send_list(p);
}

void feed_large_soon(struct place *p)
{
	place_fed(p)->large_at = 1;
}

void feed_large_due(struct place *p, int64_t now)
{
	struct fed *f = p->fed;

	if (f != NULL && f->large_at != 0 && f->large_at <= now)
		feed_large_list(p);
}

void feed_large_joined(struct place *p, const char *conversation, int64_t position)
{
	struct fed *f = place_fed(p);

	if (find_follows(f, conversation) != NULL)
		return;
	f->large = realloc(f->large, (size_t)(f->large_count + 1) * sizeof *f->large);
	if (f->large == NULL)
		abort();
	f->large[f->large_count++] = (struct follows){follow(p->hub->looks, conversation, position), position, f->listing};
}

/* ---- what happened in them ---- */

struct reading {
	struct work work;
	struct arena arena;
	size_t count;
	char id[FOLLOW_MANY][ID_MAX + 1];
	int64_t end[FOLLOW_MANY], length[FOLLOW_MANY];
	struct entry_line *lines[FOLLOW_MANY];
	int line_count[FOLLOW_MANY];
	size_t telling; /* which one is being told */
};

static enum err read_them(struct db *d, struct work *w)
{
	struct reading *g = (struct reading *)w;
	const char *ids[FOLLOW_MANY];
	enum err e;

	for (size_t i = 0; i < g->count; i++)
		ids[i] = g->id[i];
	e = follow_lengths(d, ids, g->length, g->count);
	for (size_t i = 0; e == OK && i < g->count; i++) {
		if (g->length[i] > g->end[i])
			e = follow_entries(d, &g->arena, ids[i], g->end[i], READ_MOST, READ_BYTES, &g->lines[i], &g->line_count[i]);
		if (e == ERR_NOT_FOUND) /* erased since */
			e = OK;
	}
	return e;
}

/* True: he left it with one of these entries. */
static bool tell_lines(struct place *p, const struct reading *g, struct follows *known)
{
	const char *conversation = g->id[g->telling];
	bool left = false;

	for (int i = 0; i < g->line_count[g->telling] && !left; i++) {
		const struct entry_line *line = &g->lines[g->telling][i];
		struct entry e;
		if (line->position <= known->to || !entry_parse(&e, line->position, line->bytes, line->len))
			continue;
		known->to = line->position;
		for (struct reader *r = p->readers, *next; r != NULL; r = next) {
			next = r->next;
			if (is_told(r) && !own_shown(p->fed->shown, conversation, line->position))
				feed_give(r, NULL, conversation, &e);
		}
		left = own_says(&e, "user:left", p->conversation + 1);
	}
	return left;
}

static void tell_gone(struct place *p, const char *conversation)
{
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (is_told(r))
			feed_give_gone(r, NULL, conversation, clock_now_ms());
	}
}

static void tell_place(struct place *p)
{
	const struct reading *g = p->hub->looks->reading;
	struct fed *f = p->fed;

	if (!is_feed(p) || p->gone || f == NULL)
		return;
	for (int i = 0; i < f->large_count; i++) {
		if (strcmp(f->large[i].large->conversation, g->id[g->telling]) != 0)
			continue;
		if (g->length[g->telling] < 0)
			tell_gone(p, g->id[g->telling]);
		if (g->length[g->telling] < 0 || tell_lines(p, g, &f->large[i]))
			drop(f, i);
		return;
	}
}

static void was_read(struct work *w)
{
	struct reading *g = (struct reading *)w;
	struct hub *h = w->hub;

	h->looks->reading = g;
	h->looks->readings--;
	for (g->telling = 0; g->telling < g->count && w->err == OK && !h->stopping; g->telling++) {
		struct large *known = find_large(h->looks, g->id[g->telling]);
		int n = g->line_count[g->telling];
		if (n == 0 && g->length[g->telling] >= 0)
			continue;
		place_each(h, tell_place);
		if (n > 0 && known != NULL && known->end == g->end[g->telling]) /* else somebody follows it from further back since */
			known->end = g->lines[g->telling][n - 1].position;
	}
	h->looks->reading = NULL;
	arena_done(&g->arena);
	free(g);
}

static void send_reading(struct hub *h, struct reading *g)
{
	if (g == NULL)
		return;
	h->looks->readings++;
	arena_init(&g->arena);
	g->work.does = read_them;
	g->work.done = was_read;
	hub_work(h, &g->work);
}

static void add(struct hub *h, struct reading **g, const struct large *known)
{
	if (*g == NULL)
		*g = calloc(1, sizeof **g);
	if (*g == NULL)
		abort();
	strcpy((*g)->id[(*g)->count], known->conversation);
	(*g)->end[(*g)->count++] = known->end;
	if ((*g)->count == FOLLOW_MANY) {
		send_reading(h, *g);
		*g = NULL;
	}
}

void feed_large_look(struct hub *h)
{
	struct reading *g = NULL;

	if (h->looks->readings > 0)
		return;
	for (struct large **at = &h->looks->large; *at != NULL;) {
		struct large *known = *at;
		if (known->follow > 0) {
			add(h, &g, known);
			at = &known->next;
		} else {
			*at = known->next;
			free(known);
		}
	}
	send_reading(h, g);
}

void feed_large_done(struct looks *all)
{
	while (all->large != NULL) {
		struct large *g = all->large;
		all->large = g->next;
		free(g);
	}
}
