/* ISO media (MP4, M4A, QuickTime): boxes that hold descriptions are overwritten where they stand, for others name places in the file by number.
 * See media.h. ISO/IEC 14496-12 §4.2, §8. */
#include <string.h>

#include "base/media.h"

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
	bool movie, data;
	struct media_size *size;
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

static bool boxes(const struct media_sink *sink, const unsigned char *in, size_t len, int depth, struct films *f)
{
	while (len > 0) {
		size_t head = 8;
		uint64_t size;
		if (len < 8)
			return depth > 0 ? (put_zeros(sink, len), true) : false; /* QuickTime ends lists by four zeros */
		size = media_be32(in);
		if (size == 1) {
			if (len < 16)
				return false;
			head = 16;
			size = (uint64_t)media_be32(in + 8) << 32 | media_be32(in + 12);
		} else if (size == 0 && depth == 0) {
			size = len; /* to the end of the file */
		}
		if (size < head || size > len)
			return false;
		f->movie |= is(in, "moov") || is(in, "moof");
		f->data |= is(in, "mdat");
		if (describes(in)) {
			PUT(in, 4);
			PUT("free", 4);
			PUT(in + 8, head - 8);
			put_zeros(sink, size - head);
		} else if (is_list(in) && depth < DEPTH_MOST) {
			PUT(in, head);
			if (!boxes(sink, in + head, size - head, depth + 1, f))
				return false;
		} else if (is(in, "mvhd") || is(in, "tkhd") || is(in, "mdhd")) {
			if (is(in, "tkhd"))
				read_track(f, in, head, size);
			put_header(sink, in, head, size);
		} else {
			PUT(in, size);
		}
		in += size;
		len -= size;
	}
	return true;
}

bool media_strip_mp4(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	struct films f = {.size = size};

	return boxes(sink, in, len, 0, &f) && f.movie && f.data;
}
