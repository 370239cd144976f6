/* Feeds and conversations of very many people: these are not put into everybody's feed (chat/announce.h). Who has his feed open is told all the same, without a cursor: a look at SQL
 * each second, one for the whole hub. Who comes back later is told what is unread there. See own.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/call.h"
#include "stream/own.h"

enum {
	LARGE_PEOPLE = ANNOUNCE_FEEDS - 20, /* a little early: one may grow between two looks at who is in which */
	LARGE_MOST = 50,                    /* of one person: those where something happened last */
	LARGE_AGAIN_MS = 60000,
};

struct large {
	struct large *next;
	int64_t end; /* told up to here */
	bool wanted; /* some feed of this hub has it */
	char conversation[ID_MAX + 1];
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
};

static enum err list(struct db *d, struct work *w)
{
	struct listing *l = (struct listing *)w;

	return follow_large(d, &l->arena, l->user, LARGE_PEOPLE, LARGE_MOST, &l->large, &l->count);
}

static struct large *get_large(struct looks *all, const char *conversation, int64_t length)
{
	struct large *g = all->large;

	while (g != NULL && strcmp(g->conversation, conversation) != 0)
		g = g->next;
	if (g != NULL)
		return g;
	g = calloc(1, sizeof *g);
	if (g == NULL)
		abort();
	g->end = length;
	strcpy(g->conversation, conversation);
	g->next = all->large;
	return all->large = g;
}

static void tell_unread(struct reader *r, const struct listing *l)
{
	char data[ID_MAX + 80];

	r->own->wants_unread = false;
	for (int i = 0; i < l->count && r->fd >= 0 && r->state != READER_ENDING; i++) {
		int n = snprintf(
			data, sizeof data, "{\"conversationId\":\"%s\",\"unread\":%lld}", l->large[i].conversation, (long long)l->large[i].unread);
		if (l->large[i].unread > 0)
			answer_event(r, NULL, "unread", data, (size_t)n);
	}
}

static void take_list(struct place *p, const struct listing *l)
{
	struct fed *f = place_fed(p);

	f->large_at = clock_mono_ms() + LARGE_AGAIN_MS;
	free(f->large);
	f->large = l->count > 0 ? calloc((size_t)l->count, sizeof *f->large) : NULL;
	f->large_count = f->large != NULL ? l->count : 0;
	for (int i = 0; i < f->large_count; i++) {
		strcpy(f->large[i], l->large[i].conversation);
		get_large(p->hub->looks, f->large[i], l->large[i].length);
	}
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->own->wants_unread && (r->state == READER_LIVE || r->state == READER_CATCHING_UP))
			tell_unread(r, l);
	}
}

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
		p->calls--;
		place_release(p);
	}
	arena_done(&l->arena);
	free(l);
}

void feed_large_list(struct place *p)
{
	struct fed *f = place_fed(p);
	struct listing *l;

	if (f->listing)
		return;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		abort();
	f->listing = true;
	f->large_at = clock_mono_ms() + LARGE_AGAIN_MS;
	arena_init(&l->arena);
	strcpy(l->user, p->conversation + 1);
	l->work.does = list;
	l->work.done = listed;
	hub_work(p->hub, &l->work);
}

void feed_large_due(struct place *p, int64_t now)
{
	struct fed *f = p->fed;

	if (f == NULL)
		return;
	if (f->large_at != 0 && f->large_at <= now)
		feed_large_list(p);
	for (int i = 0; i < f->large_count; i++)
		get_large(p->hub->looks, f->large[i], 0)->wanted = true;
}

/* It may be one of them; whether it is, the next list says. */
void feed_large_joined(struct place *p, const char *conversation, int64_t position)
{
	struct fed *f = place_fed(p);

	for (int i = 0; i < f->large_count; i++)
		if (strcmp(f->large[i], conversation) == 0)
			return;
	f->large = realloc(f->large, (size_t)(f->large_count + 1) * sizeof *f->large);
	if (f->large == NULL)
		abort();
	strcpy(f->large[f->large_count++], conversation);
	get_large(p->hub->looks, conversation, position);
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

static void drop(struct fed *f, int i)
{
	memmove(f->large[i], f->large[f->large_count - 1], sizeof *f->large);
	f->large_count--;
}

/* True: he left it with one of these entries. */
static bool tell_lines(struct place *p, const struct reading *g)
{
	const char *conversation = g->id[g->telling];
	bool left = false;

	for (int i = 0; i < g->line_count[g->telling] && !left; i++) {
		const struct entry_line *line = &g->lines[g->telling][i];
		struct entry e;
		if (!entry_parse(&e, line->position, line->bytes, line->len))
			continue;
		for (struct reader *r = p->readers, *next; r != NULL; r = next) {
			next = r->next;
			if (r->state == READER_LIVE && !own_shown(p->fed->shown, conversation, line->position))
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
		if (r->state == READER_LIVE)
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
		if (strcmp(f->large[i], g->id[g->telling]) != 0)
			continue;
		if (g->length[g->telling] < 0)
			tell_gone(p, g->id[g->telling]);
		if (g->length[g->telling] < 0 || tell_lines(p, g))
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
		struct large *known = get_large(h->looks, g->id[g->telling], g->end[g->telling]);
		int n = g->line_count[g->telling];
		if (n == 0 && g->length[g->telling] >= 0)
			continue;
		place_each(h, tell_place);
		if (n > 0)
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
		if (known->wanted) {
			add(h, &g, known);
			known->wanted = false;
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
