/* One conversation as this hub knows it: readers, deadline, who types, who left. See hub.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "stream/own.h"

enum { LEAVE_AGAIN_MS = 1000 };

static struct place **slot_of(struct hub *h, const char *conversation)
{
	return &h->slots[id_fnv(conversation, strlen(conversation)) & (h->slot_count - 1)];
}

struct place *place_find(struct hub *h, const char *conversation)
{
	struct place *p = *slot_of(h, conversation);

	while (p != NULL && strcmp(p->conversation, conversation) != 0)
		p = p->next_in_slot;
	return p;
}

static void grow(struct hub *h)
{
	struct place **old = h->slots;
	size_t count = h->slot_count;

	h->slot_count *= 2;
	h->slots = calloc(h->slot_count, sizeof(struct place *));
	if (h->slots == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		for (struct place *p = old[i], *next; p != NULL; p = next) {
			struct place **slot = slot_of(h, p->conversation);
			next = p->next_in_slot;
			p->next_in_slot = *slot;
			*slot = p;
		}
	free(old);
}

static struct slab places = SLAB_OF(struct place);

static void fire(void *owner);

struct place *place_get(struct hub *h, const char *conversation)
{
	struct place *p = place_find(h, conversation);

	if (p != NULL)
		return p;
	if (h->place_count >= h->slot_count)
		grow(h);
	p = slab_get(&places);
	p->hub = h;
	strcpy(p->conversation, conversation);
	p->timer.fire = fire;
	p->timer.owner = p;
	struct place **slot = slot_of(h, conversation);
	p->next_in_slot = *slot;
	*slot = p;
	h->place_count++;
	return p;
}

static void forget_leavers(struct place *p)
{
	while (p->leavers != NULL) {
		struct leaver *l = p->leavers;
		p->leavers = l->next;
		free(l);
	}
}

static void forget_typists(struct place *p)
{
	while (p->typists != NULL) {
		struct typist *t = p->typists;
		p->typists = t->next;
		free(t);
	}
}

void place_free(struct place *p)
{
	forget_leavers(p);
	forget_typists(p);
	fed_free(p->fed);
	slab_put(&places, p);
}

void places_done(void)
{
	slab_done(&places);
}

void place_release(struct place *p)
{
	if (p->readers != NULL || p->leavers != NULL || p->calls > 0)
		return;
	struct place **at = slot_of(p->hub, p->conversation);
	while (*at != p)
		at = &(*at)->next_in_slot;
	*at = p->next_in_slot;
	p->hub->place_count--;
	timer_clear(&p->hub->timers, &p->timer);
	place_free(p);
}

void place_each(struct hub *h, void (*fn)(struct place *p))
{
	for (size_t i = 0; i < h->slot_count; i++)
		for (struct place *p = h->slots[i], *next; p != NULL; p = next) {
			next = p->next_in_slot;
			p->calls++; /* fn may take the last reader away */
			fn(p);
			p->calls--;
			place_release(p);
		}
}

/* ---- readers ---- */

void place_join(struct place *p, struct reader *r)
{
	r->place = p;
	r->next = p->readers;
	r->prev = &p->readers;
	if (r->next != NULL)
		r->next->prev = &r->next;
	p->readers = r;
	p->reader_count++;
}

int place_held(const struct place *p, const char *participant)
{
	int n = 0;

	for (const struct reader *r = p->readers; r != NULL; r = r->next)
		n += strcmp(r->who, participant) == 0;
	return n;
}

static struct leaver *find_leaver(const struct place *p, const char *participant)
{
	struct leaver *l = p->leavers;

	while (l != NULL && strcmp(l->participant, participant) != 0)
		l = l->next;
	return l;
}

static void note_leaver(struct place *p, const char *participant, bool clean)
{
	struct leaver *l = find_leaver(p, participant);

	if (l == NULL) {
		l = calloc(1, sizeof *l);
		if (l == NULL)
			abort();
		snprintf(l->participant, sizeof l->participant, "%s", participant);
		l->next = p->leavers;
		p->leavers = l;
	}
	l->place = p;
	l->left_at = clock_mono_ms();
	l->due_at = l->left_at + LEAVE_MS;
	l->clean = clean;
}

void place_part(struct reader *r, bool clean)
{
	struct place *p = r->place;

	if (p == NULL)
		return;
	if (r->at_desk) {
		desk_part(r);
		return;
	}
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	p->reader_count--;
	r->place = NULL;
	/* After its end there is nothing to be present in. */
	if (r->registered && !p->gone && !p->hub->stopping) {
		note_leaver(p, r->who, clean);
		p->calls++;
		if (clean && p->typists != NULL && place_held(p, r->who) == 0)
			place_typing(p, r->who, "", false);
		p->calls--;
	}
	place_schedule(p);
	place_release(p);
}

/* ---- typing ---- */

static void tell_typing(struct place *p, const struct typist *t, bool is_typing)
{
	char data[256], who[sizeof t->participant];
	int n = snprintf(data, sizeof data, "{\"participant\":\"%s\",\"role\":\"%s\",\"isTyping\":%s}", t->participant, t->role,
		is_typing ? "true" : "false");

	strcpy(who, t->participant); /* who is told may end by it, and t with him */
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (strcmp(r->who, who) != 0)
			reader_passing(r, "user:typing", data, (size_t)n);
	}
}

static struct typist **find_typist(struct place *p, const char *participant)
{
	struct typist **at = &p->typists;

	while (*at != NULL && strcmp((*at)->participant, participant) != 0)
		at = &(*at)->next;
	return at;
}

static void stop_typing(struct place *p, struct typist **at)
{
	struct typist *t = *at;

	*at = t->next;
	tell_typing(p, t, false);
	free(t);
}

void place_typing(struct place *p, const char *participant, const char *role, bool is_typing)
{
	struct typist **at = find_typist(p, participant), *t = *at;

	if (!is_typing) {
		if (t != NULL)
			stop_typing(p, at);
		return;
	}
	if (t == NULL) {
		t = calloc(1, sizeof *t);
		if (t == NULL)
			abort();
		t->next = p->typists;
		p->typists = t;
		snprintf(t->participant, sizeof t->participant, "%s", participant);
	}
	snprintf(t->role, sizeof t->role, "%s", role);
	t->until = clock_mono_ms() + TYPING_MS;
	tell_typing(p, t, true);
	place_schedule(p);
}

static void end_typing(struct place *p, int64_t now)
{
	struct typist **at = &p->typists;

	while (*at != NULL)
		if ((*at)->until > now) {
			at = &(*at)->next;
		} else {
			stop_typing(p, at);
			at = &p->typists; /* others may have gone with it */
		}
}

/* ---- leaves and presence ---- */

/* Looking at presence is also looking whether any news was lost: no reader stays behind the log for longer than LIFE_MS of _presence.lua. */
static void settled(void *ctx, enum err e, int64_t settle_at, int64_t length, bool forgotten)
{
	struct place *p = ctx;
	bool sessions = !place_lasts(p->conversation);

	if (e == OK && settle_at > 0)
		place_settle_at(p, settle_at);
	for (struct reader *r = p->readers, *next; e == OK && r != NULL; r = next) {
		next = r->next;
		if (forgotten)
			reader_again(r);
		else if (r->state == READER_LIVE && (r->at.position < length || (sessions && length > 0 && r->at.position > length)))
			reader_read_on(r); /* ahead of the log: it lost its end, or news was faster than this answer */
	}
	p->calls--;
	place_schedule(p);
	place_release(p);
}

static void look_who_is_here(struct place *p)
{
	struct hub *h = p->hub;

	p->calls++;
	(place_lasts(p->conversation) ? lasting_settle : settle)(h->commands, p->conversation, "", h->leased ? h->id : "", settled, p);
}

/* When the store could not be told it is told again, or the one who left would be here for as long as this hub is. */
static void left(void *ctx, enum err e, int64_t settle_at, int64_t length, bool forgotten)
{
	struct leaver *l = ctx;
	struct place *p = l->place;

	if ((e == ERR_STORE_UNAVAILABLE || e == ERR_INTERNAL) && !p->gone && !p->hub->stopping && find_leaver(p, l->participant) == NULL) {
		l->due_at = clock_mono_ms() + LEAVE_AGAIN_MS;
		l->next = p->leavers;
		p->leavers = l;
	} else {
		free(l);
	}
	settled(p, e, settle_at, length, forgotten);
}

static void tell_leaves(struct place *p, int64_t now)
{
	struct leaver **at = &p->leavers;

	while (*at != NULL) {
		struct leaver *l = *at;
		int held = place_held(p, l->participant);
		if (l->due_at > now && held == 0) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		if (held > 0) {
			free(l);
			continue;
		}
		p->calls++;
		(place_lasts(p->conversation) ? lasting_leave : leave)(p->hub->commands, p->conversation, l->participant, p->hub->id, held,
			p->reader_count, l->clean ? now - l->left_at : -1, left, l);
	}
}

void place_settle_at(struct place *p, int64_t epoch_ms)
{
	int64_t at = hub_mono_of(epoch_ms) + 50; /* a little late rather than a look too early */

	if (p->settle_at == 0 || at < p->settle_at)
		p->settle_at = at;
	place_schedule(p);
}

/* ---- the deadline ---- */

static void expired(void *ctx, enum err e, int64_t expires_at)
{
	struct place *p = ctx;
	char at[24];

	p->expiring = false;
	if (e == ERR_CONFLICT) {
		p->expires_at = expires_at;
		p->look_at = clock_mono_ms() + 200; /* our clock may be ahead of Redis': not in a tight loop */
		place_schedule(p);
	} else if (e == OK || e == ERR_GONE || e == ERR_NOT_FOUND) {
		int n = snprintf(at, sizeof at, "%lld", (long long)clock_now_ms());
		place_gone(p, "session:expired", at, (size_t)n);
	} else {
		/* Nobody can tell now. The streams end all the same; who comes back learns the truth. */
		for (struct reader *r = p->readers, *next; r != NULL; r = next) {
			next = r->next;
			reader_kick(r);
		}
	}
	p->calls--;
	place_release(p);
}

void place_deadline(struct place *p, int64_t expires_at)
{
	bool first = p->expires_at == 0;

	if (expires_at == 0)
		return; /* it lasts */
	if (expires_at > p->expires_at)
		p->expires_at = expires_at;
	/* A deadline that only moves on needs no new timer: the old one fires, and finds that it is not time yet. */
	if (first || p->timer.place == 0)
		place_schedule(p);
}

void place_gone(struct place *p, const char *event, const char *at, size_t at_len)
{
	char data[64];
	int n = snprintf(data, sizeof data, "{\"at\":%.*s}", (int)at_len, at);

	p->calls++;
	p->gone = true;
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->begun && r->state == READER_SUBSCRIBING)
			r->state = READER_CATCHING_UP; /* it was beginning anew */
		if (r->state == READER_LIVE || r->state == READER_CATCHING_UP)
			reader_passing(r, event, data, (size_t)n);
		reader_kick(r);
	}
	forget_leavers(p);
	p->calls--;
	place_release(p);
}

/* ---- the clock ---- */

static bool has_deadline(const struct place *p)
{
	return p->expires_at > 0 && !p->gone && !p->expiring && p->readers != NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void place_schedule(struct place *p)
{
	int64_t never = INT64_MAX, at = never;

	if (has_deadline(p)) {
		int64_t deadline = hub_mono_of(p->expires_at) + 5;
		at = earlier(at, deadline > p->look_at ? deadline : p->look_at);
	}
	for (const struct typist *t = p->typists; t != NULL; t = t->next)
		at = earlier(at, t->until);
	for (const struct leaver *l = p->leavers; l != NULL; l = l->next)
		at = earlier(at, l->due_at);
	if (p->settle_at > 0 && p->readers != NULL)
		at = earlier(at, p->settle_at);
	if (at == never)
		timer_clear(&p->hub->timers, &p->timer);
	else
		timer_set(&p->hub->timers, &p->timer, at);
}

static void fire(void *owner)
{
	struct place *p = owner;
	struct hub *h = p->hub;
	int64_t now = clock_mono_ms();

	p->calls++;
	end_typing(p, now);
	tell_leaves(p, now);
	if (p->settle_at > 0 && p->settle_at <= now && p->readers != NULL) {
		p->settle_at = now + 60000; /* should this look fail; a good one says when to look again */
		look_who_is_here(p);
	}
	if (has_deadline(p) && p->look_at <= now && p->expires_at <= clock_now_ms()) {
		p->expiring = true;
		p->calls++;
		expire(h->commands, p->conversation, expired, p);
	}
	p->calls--;
	place_schedule(p);
	place_release(p);
}
