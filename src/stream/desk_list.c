/* Rows of a desk: what changed is looked at, one conversation at a time; the whole list when something may have been missed. See desk.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "stream/desk.h"

static void row_free(struct row *w)
{
	free(w->json);
	free(w);
}

void desk_rows_free(struct desk *d)
{
	while (d->rows != NULL) {
		struct row *w = d->rows;
		d->rows = w->next;
		row_free(w);
	}
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
			desk_answer_list(r);
	}
	if (d->list_again)
		desk_list_anew(d);
}

/* Whoever waits for the list will not get it now; those who have one keep it. */
static void list_failed(struct desk *d, enum err e)
{
	for (struct reader *r = d->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (r->state == READER_SUBSCRIBING)
			answer_refuse(r, e);
	}
	d->list_at = clock_mono_ms() + DESK_RETRY_MS;
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
	desk_tell(d, "desk:session", w->json, s->json_len);
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
		w->look_at = now + DESK_RETRY_MS;
	}
	if (w->stale && w->wanted && e == OK) {
		ask(d, w);
		return;
	}
	if (w->stale)
		w->look_at = w->asked_at + DESK_LOOK_MS;
	if (w->wanted) {
		w->wanted = false;
		d->wanted--;
	}
	if (e == OK && s->gone != NULL && !w->stale) {
		if (w->json != NULL)
			desk_tell_removed(d, w->conversation, s->gone);
		at = find_row(d, w->conversation);
		*at = w->next;
		row_free(w);
	}
	list_goes_on(d);
	desk_schedule(d);
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
	else if (now - w->asked_at >= DESK_LOOK_MS)
		ask(d, w);
	else if (w->look_at == 0 || w->look_at > w->asked_at + DESK_LOOK_MS)
		w->look_at = w->asked_at + DESK_LOOK_MS;
}

void desks_news(struct hub *h, const char *counselor, const char *conversation)
{
	struct desk *d = desk_find(h, counselor);

	if (d == NULL || h->stopping)
		return;
	look_soon(d, get_row(d, conversation));
	desk_schedule(d);
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
		d->list_at = clock_mono_ms() + DESK_RETRY_MS; /* at the latest: desks_again comes with the new name */
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
	desk_schedule(d);
}

void desk_list_anew(struct desk *d)
{
	if (d->listing || d->wanted > 0 || !d->hub->leased) {
		d->list_again = true; /* desks_again follows the lease */
		return;
	}
	d->listing = true;
	d->list_again = false;
	d->list++;
	d->list_at = clock_mono_ms() + DESK_AGAIN_MS;
	d->calls++;
	desk_ids(d->hub->commands, d->counselor, d->hub->id, listed, d);
}

void desk_look_due(struct desk *d, int64_t now)
{
	for (struct row *w = d->rows; w != NULL; w = w->next)
		if (!w->asking && w->look_at != 0 && w->look_at <= now)
			ask(d, w);
}
