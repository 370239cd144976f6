/* ISO media (MP4, M4A, QuickTime): boxes that hold descriptions are overwritten where they stand, for others name places in the file by number. So are tracks that are
 * neither picture nor sound (media_mp4_track.c). See media.h. ISO/IEC 14496-12 §4.2, §8. */
#include <string.h>

#include "base/media_mp4.h"

#define PUT(bytes, n) sink->put(sink->ctx, bytes, n)

enum { DEPTH_MOST = 8 };

static bool is(const unsigned char *box, const char *name)
{
	return memcmp(box + 4, name, 4) == 0;
}

/* Boxes that are lists of boxes, and may have what we look for among them. */
static bool is_list(const unsigned char *box)
{
	return is(box, "moov") || is(box, "trak") || is(box, "mdia") || is(box, "minf") || is(box, "moof") || is(box, "traf") ||
		is(box, "edts");
}

/* Where it was taken, with what, by whom; covers, texts; other programs' data. What was free before may hold anything. */
static bool describes(const unsigned char *box)
{
	return is(box, "udta") || is(box, "meta") || is(box, "uuid") || is(box, "free") || is(box, "skip") || is(box, "wide") ||
		is(box, "pnot");
}

/* What a film needs of the outermost boxes and of those in moov and moof. Whatever else makers hang in there (a dashcam's "gps ", a phone's "sefd",
 * the times of "prft") may say where and when. */
static bool needed(const unsigned char *box, int depth)
{
	static const char outer[][5] = {"ftyp", "styp", "moov", "moof", "mdat", "sidx", "ssix", "mfra"};
	static const char inner[][5] = {"mvhd", "trak", "mvex", "iods", "mfhd", "traf"};

	for (size_t i = 0; depth == 0 && i < sizeof outer / sizeof *outer; i++)
		if (is(box, outer[i]))
			return true;
	for (size_t i = 0; depth == 1 && i < sizeof inner / sizeof *inner; i++)
		if (is(box, inner[i]))
			return true;
	return depth > 1;
}

static void put_zeros(const struct media_sink *sink, size_t n)
{
	static const unsigned char zeros[4096];

	for (; n > 0; n -= n < sizeof zeros ? n : sizeof zeros)
		PUT(zeros, n < sizeof zeros ? n : sizeof zeros);
}

/* mvhd, tkhd, mdhd: when it was made and changed, which says when it was taken. The times follow version and flags. */
static void put_header(const struct media_sink *sink, const unsigned char *box, size_t head, size_t size)
{
	size_t times = size > head && box[head] == 1 ? 16 : 8;

	if (size < head + 4 + times) {
		PUT(box, size);
		return;
	}
	PUT(box, head + 4);
	put_zeros(sink, times);
	PUT(box + head + 4 + times, size - head - 4 - times);
}

struct films {
	const unsigned char *start;
	bool movie, data, fragments;
	bool looking; /* the first time through: nothing is written */
	struct media_size *size;
	struct mp4_samples samples; /* of the tracks that go */
	size_t passed;              /* of these */
};

/* A picture's track says how large it is shown; the largest counts. */
static void read_track(struct films *f, const unsigned char *box, size_t head, size_t size)
{
	size_t at = size > head && box[head] == 1 ? head + 88 : head + 76;

	if (size >= at + 8 && (int64_t)(media_be32(box + at) >> 16) > f->size->width) {
		f->size->width = media_be32(box + at) >> 16;
		f->size->height = media_be32(box + at + 4) >> 16;
	}
}

bool mp4_box(const unsigned char *in, size_t len, bool top, size_t *head, uint64_t *size)
{
	*head = 8;
	if (len < 8)
		return false;
	*size = media_be32(in);
	if (*size == 1) {
		if (len < 16)
			return false;
		*head = 16;
		*size = (uint64_t)media_be32(in + 8) << 32 | media_be32(in + 12);
	} else if (*size == 0 && top) {
		*size = len; /* to the end of the file */
	}
	return *size >= *head && *size <= len;
}

static void put_free(const struct media_sink *sink, const unsigned char *in, size_t head, size_t size)
{
	PUT(in, 4);
	PUT("free", 4);
	PUT(in + 8, head - 8);
	put_zeros(sink, size - head);
}

/* What lies there, but for the samples that go. */
static void put_data(const struct media_sink *sink, struct films *f, const unsigned char *in, size_t size)
{
	uint64_t at = (uint64_t)(in - f->start), end = at + size;

	while (f->passed < f->samples.count && at < end) {
		const struct mp4_range *r = &f->samples.list[f->passed];
		uint64_t from = r->from < at ? at : r->from > end ? end : r->from, to = r->to < from ? from : r->to > end ? end : r->to;
		PUT(f->start + at, from - at);
		put_zeros(sink, to - from);
		at = to;
		if (r->to > end) /* the next box may have more of it */
			break;
		f->passed++;
	}
	PUT(f->start + at, end - at);
}

static bool boxes(const struct media_sink *sink, const unsigned char *in, size_t len, int depth, struct films *f);

/* One box. False: malformed. */
static bool box(const struct media_sink *sink, const unsigned char *in, size_t head, size_t size, int depth, struct films *f)
{
	f->movie |= is(in, "moov") || is(in, "moof");
	f->fragments |= is(in, "moof");
	f->data |= is(in, "mdat");
	if (describes(in) || !needed(in, depth)) {
		put_free(sink, in, head, size);
	} else if (is(in, "trak") && !f->fragments && mp4_silent(in + head, size - head)) {
		if (f->looking && !mp4_samples_add(&f->samples, in + head, size - head))
			return false;
		put_free(sink, in, head, size);
	} else if (is_list(in) && depth < DEPTH_MOST) {
		PUT(in, head);
		return boxes(sink, in + head, size - head, depth + 1, f);
	} else if (is(in, "mvhd") || is(in, "tkhd") || is(in, "mdhd")) {
		if (is(in, "tkhd"))
			read_track(f, in, head, size);
		put_header(sink, in, head, size);
	} else if (is(in, "mdat")) {
		PUT(in, head);
		put_data(sink, f, in + head, size - head);
	} else {
		PUT(in, size);
	}
	return true;
}

static bool boxes(const struct media_sink *sink, const unsigned char *in, size_t len, int depth, struct films *f)
{
	while (len > 0) {
		size_t head;
		uint64_t size;
		if (len < 8)
			return depth > 0 ? (put_zeros(sink, len), true) : false; /* QuickTime ends lists by four zeros */
		if (!mp4_box(in, len, depth == 0, &head, &size) || !box(sink, in, head, size, depth, f))
			return false;
		in += size;
		len -= size;
	}
	return true;
}

static void nothing(void *ctx, const void *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
}

bool media_strip_mp4(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	struct films f = {.start = in, .looking = true, .size = size};
	const struct media_sink nowhere = {.put = nothing};
	bool good = boxes(&nowhere, in, len, 0, &f) && f.movie && f.data;

	/* Films in pieces name their samples elsewhere: there all tracks stay. */
	if (f.fragments)
		f.samples.count = 0;
	mp4_samples_sort(&f.samples);
	f.looking = false;
	f.passed = 0;
	*size = (struct media_size){0};
	good = good && boxes(sink, in, len, 0, &f);
	mp4_samples_done(&f.samples);
	return good;
}
