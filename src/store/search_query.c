/* See search_query.h. */
#include <stdlib.h>
#include <string.h>

#include "store/search_query.h"

#define OPEN_FROM_LETTERS 3
#define USUAL_WORDS 12.0 /* of a message: what is longer says less with one hit */

/* ---- parsing ---- */

/* The bytes of a quote at p, 0: none. Typographic ones too: telephones make them. */
static size_t quote(const char *p)
{
	static const char *const quotes[] = {"\"", "\u201c", "\u201d", "\u201e", "\u201f", "\u00ab", "\u00bb", "\u300c", "\u300d"};

	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
		if (strncmp(p, quotes[i], strlen(quotes[i])) == 0)
			return strlen(quotes[i]);
	return 0;
}

static size_t blank(const char *p)
{
	if (strchr(" \t\r\n\v\f", *p))
		return 1;
	if (strncmp(p, "\u00a0", 2) == 0)
		return 2;
	return strncmp(p, "\u3000", 3) == 0 ? 3 : 0;
}

static size_t letters(const struct word *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->len; i++)
		n += ((unsigned char)w->text[i] & 0xc0) != 0x80;
	return n;
}

struct parsing {
	struct search_query *out;
	struct arena *arena;
	size_t words;
};

static bool same(const struct search_phrase *p, const struct search_phrase *q)
{
	bool same = p->count == q->count && p->open == q->open;

	for (size_t i = 0; same && i < p->count; i++)
		same = strcmp(p->words[i].text, q->words[i].text) == 0;
	return same;
}

/* A piece of the text, as a phrase if there is a word in it; one that was there before says nothing new. */
static void add_phrase(struct parsing *p, const char *text, size_t len, bool open)
{
	struct search_phrase *phrase = &p->out->phrases[p->out->count];
	struct words w;
	const struct word *last;

	words_of(&w, p->arena, text, len);
	if (w.count == 0 || p->words + w.count > SEARCH_WORDS_MOST) {
		p->words += w.count;
		return;
	}
	last = &w.list[w.count - 1];
	*phrase = (struct search_phrase){w.list, w.count, open && last->end == len && !last->single && letters(last) >= OPEN_FROM_LETTERS};
	p->words += w.count;
	for (size_t i = 0; i < p->out->count; i++)
		if (same(phrase, &p->out->phrases[i]))
			return;
	if (phrase->open)
		p->out->open = last;
	p->out->count++;
}

bool search_query_parse(struct search_query *out, struct arena *a, const char *text, size_t len)
{
	struct parsing p = {out, a, 0};
	const char *at = text, *end = text + len;

	*out = (struct search_query){.phrases = arena_alloc(a, (len / 2 + 2) * sizeof *out->phrases)};
	while (at < end && p.words <= SEARCH_WORDS_MOST) {
		size_t n = quote(at);
		const char *from = at += n;
		if (n > 0)
			while (at < end && quote(at) == 0)
				at++;
		else
			while (at < end && blank(at) == 0 && quote(at) == 0)
				at++;
		add_phrase(&p, from, (size_t)(at - from), n == 0 && at == end);
		if (at < end)
			at += n > 0 ? quote(at) : blank(at);
	}
	return p.words <= SEARCH_WORDS_MOST;
}

/* ---- matching ---- */

static bool word_is(const struct word *sought, bool open, const struct word *w)
{
	return open ? w->len >= sought->len && memcmp(w->text, sought->text, sought->len) == 0 : strcmp(w->text, sought->text) == 0;
}

static bool stands_at(const struct search_phrase *p, const struct words *w, size_t at)
{
	if (at + p->count > w->count)
		return false;
	for (size_t i = 0; i < p->count; i++)
		if (!word_is(&p->words[i], p->open && i + 1 == p->count, &w->list[at + i]))
			return false;
	return true;
}

/* One phrase's worth: a second hit says less than the first, one in a long text less than in a short one (as in BM25); a whole word more than a beginning. */
static double worth(const struct search_phrase *p, double hits, double whole, double words)
{
	double much = hits * 2.2 / (hits + 1.2 * (0.25 + 0.75 * words / USUAL_WORDS));

	return much * (double)p->count * (p->open ? 0.6 + 0.4 * whole / hits : 1);
}

struct matching {
	struct search_hits *out;
	size_t room;
	struct arena *arena;
};

static void add_span(struct matching *m, size_t start, size_t end)
{
	struct search_hits *h = m->out;

	if (h->count == m->room) {
		struct search_span *more = arena_alloc(m->arena, (m->room = m->room * 2 + 8) * sizeof *more);
		if (h->count > 0)
			memcpy(more, h->list, h->count * sizeof *more);
		h->list = more;
	}
	h->list[h->count++] = (struct search_span){start, end};
}

static bool match_phrase(struct matching *m, const struct search_phrase *p, const struct words *w)
{
	double hits = 0, whole = 0;

	for (size_t at = 0; at < w->count; at++) {
		const struct word *last;
		if (!stands_at(p, w, at))
			continue;
		last = &w->list[at + p->count - 1];
		hits++;
		whole += last->len == p->words[p->count - 1].len;
		add_span(m, w->list[at].start, last->end);
	}
	m->out->weight += hits > 0 ? worth(p, hits, whole, (double)w->count) : 0;
	return hits > 0;
}

static int by_place(const void *a, const void *b)
{
	const struct search_span *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* In order, and those that touch or overlap as one. */
static void tidy(struct search_hits *h)
{
	size_t kept = 0;

	if (h->count > 1)
		qsort(h->list, h->count, sizeof *h->list, by_place);
	for (size_t i = 0; i < h->count; i++) {
		if (kept > 0 && h->list[i].start <= h->list[kept - 1].end) {
			if (h->list[i].end > h->list[kept - 1].end)
				h->list[kept - 1].end = h->list[i].end;
		} else {
			h->list[kept++] = h->list[i];
		}
	}
	h->count = kept;
}

bool search_query_match(struct search_hits *out, struct arena *a, const struct search_query *q, const char *text, size_t len)
{
	struct matching m = {.out = out, .arena = a};
	struct words w;

	*out = (struct search_hits){0};
	words_of(&w, a, text, len);
	for (size_t i = 0; i < q->count; i++)
		if (!match_phrase(&m, &q->phrases[i], &w))
			return false;
	tidy(out);
	return q->count > 0;
}
