/* See media_mp4.h. ISO/IEC 14496-12 §8.4.3 (hdlr), §8.7 (stsz, stsc, stco, co64). */
#include <stdlib.h>
#include <string.h>

#include "base/media_mp4.h"

enum { RANGES_MOST = 200000 }; /* a chunk each: cameras write one a second */

/* A box's content. */
struct part {
	const unsigned char *at;
	size_t len;
};

static bool find(struct part *out, struct part in, const char *name)
{
	size_t head;
	uint64_t size;

	for (; mp4_box(in.at, in.len, false, &head, &size); in.at += size, in.len -= size)
		if (memcmp(in.at + 4, name, 4) == 0) {
			*out = (struct part){in.at + head, size - head};
			return true;
		}
	return false;
}

bool mp4_silent(const unsigned char *trak, size_t len)
{
	struct part mdia, hdlr;

	if (!find(&mdia, (struct part){trak, len}, "mdia") || !find(&hdlr, mdia, "hdlr") || hdlr.len < 12)
		return false;
	return memcmp(hdlr.at + 8, "vide", 4) != 0 && memcmp(hdlr.at + 8, "soun", 4) != 0;
}

/* A table of rows of that many bytes: version and flags, then `more` bytes, then their number, then they. */
struct table {
	const unsigned char *rows;
	size_t count;
};

static bool read_table(struct table *out, struct part box, size_t more, size_t row)
{
	size_t head = 4 + more + 4;

	if (box.len < head)
		return false;
	out->count = media_be32(box.at + 4 + more);
	out->rows = box.at + head;
	return row == 0 || out->count <= (box.len - head) / row;
}

struct tables {
	struct table sizes, runs, chunks;
	uint32_t each; /* bytes of every sample; 0: sizes says */
	bool wide;     /* chunks are named by 64 bits */
};

static bool read_tables(struct tables *t, struct part stbl)
{
	struct part box;

	if (!find(&box, stbl, "stsz") || box.len < 12)
		return false;
	t->each = media_be32(box.at + 4);
	if (!read_table(&t->sizes, box, 4, t->each ? 0 : 4) || !find(&box, stbl, "stsc") || !read_table(&t->runs, box, 0, 12))
		return false;
	t->wide = !find(&box, stbl, "stco");
	return (!t->wide || find(&box, stbl, "co64")) && read_table(&t->chunks, box, 0, t->wide ? 8 : 4);
}

static bool add(struct mp4_samples *s, uint64_t from, uint64_t bytes)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->list = realloc(s->list, s->room * sizeof *s->list);
		if (!s->list)
			abort();
	}
	s->list[s->count++] = (struct mp4_range){from, bytes > UINT64_MAX - from ? UINT64_MAX : from + bytes};
	return s->count <= RANGES_MOST;
}

/* Bytes of the next n samples; *sample moves on. */
static uint64_t bytes_of(const struct tables *t, size_t *sample, uint32_t n)
{
	size_t left = t->sizes.count - *sample, some = n < left ? n : left;
	uint64_t bytes = 0;

	if (t->each)
		bytes = (uint64_t)some * t->each;
	else
		for (size_t i = 0; i < some; i++)
			bytes += media_be32(t->sizes.rows + 4 * (*sample + i));
	*sample += some;
	return bytes;
}

bool mp4_samples_add(struct mp4_samples *s, const unsigned char *trak, size_t len)
{
	struct part mdia, minf, stbl;
	struct tables t;
	size_t sample = 0, run = 0;

	if (!find(&mdia, (struct part){trak, len}, "mdia") || !find(&minf, mdia, "minf") || !find(&stbl, minf, "stbl") ||
		!read_tables(&t, stbl))
		return false;
	for (size_t i = 0; i < t.chunks.count && sample < t.sizes.count; i++) {
		const unsigned char *at = t.chunks.rows + i * (t.wide ? 8 : 4);
		uint64_t from = t.wide ? (uint64_t)media_be32(at) << 32 | media_be32(at + 4) : media_be32(at);
		while (run + 1 < t.runs.count && media_be32(t.runs.rows + 12 * (run + 1)) <= i + 1)
			run++;
		if (run >= t.runs.count || !add(s, from, bytes_of(&t, &sample, media_be32(t.runs.rows + 12 * run + 4))))
			return false;
	}
	return sample == t.sizes.count;
}

static int by_place(const void *a, const void *b)
{
	const struct mp4_range *left = a, *right = b;

	return left->from < right->from ? -1 : left->from > right->from;
}

void mp4_samples_sort(struct mp4_samples *s)
{
	size_t kept = 0;

	if (s->count > 1)
		qsort(s->list, s->count, sizeof *s->list, by_place);
	for (size_t i = 0; i < s->count; i++) {
		if (kept > 0 && s->list[i].from <= s->list[kept - 1].to) {
			if (s->list[i].to > s->list[kept - 1].to)
				s->list[kept - 1].to = s->list[i].to;
		} else {
			s->list[kept++] = s->list[i];
		}
	}
	s->count = kept;
}

void mp4_samples_done(struct mp4_samples *s)
{
	free(s->list);
	*s = (struct mp4_samples){0};
}
