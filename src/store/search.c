/* Windows of finds, ranked and paged: see search.h. What is asked of the databases is in search_rows.c. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/search_rows.h"

#define SLICE_FIRST 65536           /* rows of the whole table that a statement looks through at first */
#define SLICE_QUICK_MS 2            /* a slice that took less is followed by a larger one */
#define TEXT_MOST (1024 * 1024)     /* bytes of a window */
#define AGAIN_MS 1000               /* a window that is found again, as it was, may take longer */
#define DOUBLE_MS (30.0 * 86400000) /* what twice as good a match is worth in age */

/* ---- places ---- */

bool search_place_parse(struct search_place *out, const char *text)
{
	char again[SEARCH_CURSOR_MAX];
	struct search_place p = {0};

	if (sscanf(text, "%" SCNx64 ".%" SCNx64 ".%" SCNx64 ".%" SCNx64, &p.top, &p.bottom, &p.score, &p.n) != 4)
		return false;
	search_place_print(again, &p);
	if (strcmp(again, text) != 0 || p.top < 1 || p.bottom < 0 || p.bottom > p.top || p.n < 0)
		return false;
	*out = p;
	return true;
}

void search_place_print(char out[SEARCH_CURSOR_MAX], const struct search_place *p)
{
	snprintf(out, SEARCH_CURSOR_MAX, "%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64, p->top, p->bottom, p->score, p->n);
}

/* ---- a window ---- */

static int64_t score_of(int64_t at, double weight)
{
	/* As a time: so the order of two finds does not depend on when somebody asks. */
	return at + (int64_t)(DOUBLE_MS * log2(weight > 0.01 ? weight : 0.01));
}

static bool full(const struct search_window *w)
{
	int times = w->again ? 2 : 1; /* edits may have made it larger; but the cursor may be one that somebody made up */

	return w->count >= times * SEARCH_WINDOW || w->bytes >= (size_t)times * TEXT_MOST;
}

bool search_window_add(struct search_window *w, struct search_find *f, const char *text, size_t len, double weight)
{
	if (w->count == w->room) {
		struct search_find *more = arena_alloc(w->arena, (size_t)(w->room = w->room * 2 + SEARCH_WINDOW) * sizeof *more);
		if (w->count > 0)
			memcpy(more, w->list, (size_t)w->count * sizeof *more);
		w->list = more;
	}
	f->score = score_of(f->at, weight);
	f->text = arena_strndup(w->arena, text, len);
	f->len = len;
	w->list[w->count++] = *f;
	w->bytes += len;
	return !full(w);
}

bool search_window_late(const struct search_window *w)
{
	int64_t took = w->looked > 0 ? clock_mono_ms() - w->since : 0;

	if (w->again)
		return took >= AGAIN_MS;
	return took >= (w->count > 0 ? SEARCH_PATIENCE_MS : SEARCH_PATIENCE_MOST_MS);
}

/* From the top down, slice by slice, so that a search that finds little does not look through everything at once. */
static enum err look(struct db *d, struct search_window *w, int64_t lowest)
{
	int64_t size = SLICE_FIRST, high = w->top;
	enum err e = OK;

	w->bottom = high;
	while (e == OK && high > lowest && !full(w) && !search_window_late(w)) {
		int64_t low = high - lowest > size ? high - size : lowest, began = clock_mono_ms();
		e = w->rows(d, w, low, high);
		high = w->bottom;
		if (clock_mono_ms() - began < SLICE_QUICK_MS && size <= INT64_MAX / 16)
			size *= 16;
	}
	return e;
}

static enum err fill(struct db *d, struct search_window *w, const struct search_place *after)
{
	enum err e = OK;

	w->top = after->top;
	w->again = after->bottom > 0;
	if (w->again)
		return look(d, w, after->bottom);
	if (after->top == 0)
		e = search_rows_top(d, w, &w->top);
	return e == OK ? look(d, w, 0) : e;
}

/* ---- a page of it ---- */

static int better(const void *a, const void *b)
{
	const struct search_find *left = a, *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->n > right->n ? -1 : left->n < right->n;
}

/* How many of the ranked finds the pages before this one have had. */
static int passed(const struct search_window *w, const struct search_place *after)
{
	struct search_find last = {.score = after->score, .n = after->n};
	int i = 0;

	while (after->bottom > 0 && after->n > 0 && i < w->count && better(&w->list[i], &last) <= 0)
		i++;
	return i;
}

static enum err page(struct db *d, struct search_window *w, struct search_find **out, int *count, struct search_place *next)
{
	const struct search_ask *ask = w->ask;
	enum err e = OK;
	int from;

	*count = 0;
	*next = (struct search_place){0};
	if (ask->query->count > 0)
		e = search_rows_prepare(d, w);
	if (e != OK || !w->expression)
		return e;
	e = fill(d, w, &ask->after);
	if (e != OK)
		return e;
	if (w->count > 1)
		qsort(w->list, (size_t)w->count, sizeof *w->list, better);
	from = passed(w, &ask->after);
	*out = w->list + from;
	*count = w->count - from < ask->limit ? w->count - from : ask->limit;
	if (from + *count < w->count) {
		const struct search_find *last = &w->list[from + *count - 1];
		*next = (struct search_place){w->top, w->bottom > 0 ? w->bottom : 1, last->score, last->n};
	} else if (w->bottom > 1) {
		*next = (struct search_place){.top = w->bottom};
	}
	return OK;
}

enum err search_messages(
	struct db *d, struct arena *a, const struct search_ask *ask, struct search_find **out, int *count, struct search_place *next)
{
	struct search_window w = {.arena = a, .ask = ask, .rows = search_rows_messages, .since = clock_mono_ms()};

	return page(d, &w, out, count, next);
}

enum err search_conversations(
	struct db *d, struct arena *a, const struct search_ask *ask, struct search_find **out, int *count, struct search_place *next)
{
	struct search_window w = {.arena = a, .ask = ask, .rows = search_rows_titles, .titles = true, .since = clock_mono_ms()};

	return page(d, &w, out, count, next);
}
