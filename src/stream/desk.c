/* Counselors' desks: readers of a list of conversations, not of a log. See hub.h, desk.h and chat/desk.h.
 *
 * The news is only that something changed; what it is now is looked up, conversation by conversation, and told when it differs from what was told before. So
 * nothing depends on having heard everything: when news may have been lost, everything is looked at again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "stream/desk.h"

/* ---- the table ---- */

static struct desk **slot_of(struct hub *h, const char *counselor)
{
	return &h->desks->slots[id_fnv(counselor, strlen(counselor)) % DESK_SLOTS];
}

struct desk *desk_find(struct hub *h, const char *counselor)
{
	struct desk *d = *slot_of(h, counselor);

	while (d != NULL && strcmp(d->counselor, counselor) != 0)
		d = d->next_in_slot;
	return d;
}

static void desk_free(struct desk *d)
{
	desk_rows_free(d);
	free(d);
}

/* Forgets the desk when nobody has read it for a while and nothing is under way. */
static bool forgotten(struct desk *d)
{
	struct desk **at = slot_of(d->hub, d->counselor);

	if (d->readers != NULL || d->calls > 0 || d->idle_at == 0 || clock_mono_ms() < d->idle_at + DESK_KEEP_MS)
		return false;
	while (*at != d)
		at = &(*at)->next_in_slot;
	*at = d->next_in_slot;
	timer_clear(&d->hub->timers, &d->timer);
	desk_leave(d->hub->commands, d->counselor, d->hub->id);
	desk_free(d);
	return true;
}

static void each(struct hub *h, void (*fn)(struct desk *d))
{
	for (size_t i = 0; i < DESK_SLOTS; i++)
		for (struct desk *d = h->desks->slots[i]; d != NULL; d = d->next_in_slot)
			fn(d);
}

/* ---- the clock ---- */

static void fire(void *owner)
{
	struct desk *d = owner;
	int64_t now = clock_mono_ms();

	if (forgotten(d))
		return;
	if (d->list_at <= now && d->hub->leased && !d->listing && d->wanted == 0)
		desk_list_anew(d);
	desk_look_due(d, now);
	desk_schedule(d);
}

void desk_schedule(struct desk *d)
{
	int64_t at = d->list_at > 0 ? d->list_at : clock_mono_ms() + DESK_AGAIN_MS, now = clock_mono_ms();

	if (d->hub->stopping)
		return;
	if (at <= now)
		at = now + DESK_LOOK_MS; /* a list is under way */
	for (const struct row *w = d->rows; w != NULL; w = w->next)
		if (!w->asking && w->look_at != 0 && w->look_at < at)
			at = w->look_at;
	if (d->idle_at != 0 && d->idle_at + DESK_KEEP_MS < at)
		at = d->calls > 0 ? now + DESK_LOOK_MS : d->idle_at + DESK_KEEP_MS;
	timer_set(&d->hub->timers, &d->timer, at);
}

static void again(struct desk *d)
{
	desk_list_anew(d);
	desk_schedule(d);
}

void desks_again(struct hub *h)
{
	each(h, again);
}

/* ---- readers ---- */

void desk_begin(struct reader *r)
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
	desk_list_anew(d);
	desk_schedule(d);
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
		desk_schedule(d);
	}
}

struct reader *desk_readers(struct desk *d)
{
	return d->readers;
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
	for (size_t i = 0; i < DESK_SLOTS; i++)
		while (h->desks->slots[i] != NULL) {
			struct desk *d = h->desks->slots[i];
			h->desks->slots[i] = d->next_in_slot;
			desk_free(d);
		}
	free(h->desks);
}
