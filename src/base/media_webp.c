/* WebP: which chunks go on: see media.h. RFC 9649. */
#include <string.h>

#include "base/media.h"

#define PUT(bytes, n) sink->put(sink->ctx, bytes, n)

enum { HAS_EXIF = 0x08, HAS_XMP = 0x04 }; /* flags of VP8X */

static bool is(const unsigned char *name, const char *other)
{
	return memcmp(name, other, 4) == 0;
}

static bool goes_on(const unsigned char *name)
{
	static const char needed[][5] = {"VP8 ", "VP8L", "VP8X", "ANIM", "ANMF", "ALPH", "ICCP"};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (is(name, needed[i]))
			return true;
	return false;
}

static bool read_size(const unsigned char *name, const unsigned char *data, size_t n, struct media_size *size)
{
	if (is(name, "VP8X")) {
		if (n < 10)
			return false;
		size->width = 1 + (int64_t)(media_le32(data + 4) & 0xffffff);
		size->height = 1 + (int64_t)(media_le16(data + 7) | (uint32_t)data[9] << 16);
	} else if (is(name, "VP8L") && size->width == 0) {
		if (n < 5 || data[0] != 0x2f)
			return false;
		size->width = 1 + (int64_t)(media_le32(data + 1) & 0x3fff);
		size->height = 1 + (int64_t)(media_le32(data + 1) >> 14 & 0x3fff);
	} else if (is(name, "VP8 ") && size->width == 0) {
		if (n < 10 || memcmp(data + 3, "\x9d\x01\x2a", 3) != 0)
			return false;
		size->width = media_le16(data + 6) & 0x3fff;
		size->height = media_le16(data + 8) & 0x3fff;
	}
	return true;
}

/* What goes on of the chunks, padding included, and what they say on the way. */
struct plan {
	size_t bytes;
	int orientation;
	bool picture, extended, end;
};

/* Calls each for every chunk. False: malformed. */
static bool each_chunk(const unsigned char *in, size_t len, bool (*each)(void *ctx, const unsigned char *name, size_t n), void *ctx)
{
	for (size_t at = 12; at < len;) {
		size_t n, padded;
		if (len - at < 8)
			return false;
		n = media_le32(in + at + 4);
		padded = n + (n & 1);
		if (n > 0x7fffffff || padded > len - at - 8 || !each(ctx, in + at, n))
			return false;
		at += 8 + padded;
	}
	return true;
}

struct look {
	struct plan plan;
	struct media_size *size;
};

static bool look_at(void *ctx, const unsigned char *name, size_t n)
{
	struct look *l = ctx;
	const unsigned char *data = name + 8;

	if (!read_size(name, data, n, l->size))
		return false;
	if (is(name, "VP8X"))
		l->plan.extended = true;
	if (is(name, "VP8 ") || is(name, "VP8L") || is(name, "ANMF"))
		l->plan.picture = true;
	if (is(name, "EXIF")) { /* some writers put JPEG's heading before it */
		bool headed = n >= 6 && memcmp(data, "Exif\0", 6) == 0;
		l->plan.orientation = media_orientation(headed ? data + 6 : data, headed ? n - 6 : n);
	}
	if (goes_on(name))
		l->plan.bytes += 8 + n + (n & 1);
	return true;
}

struct copying {
	const struct media_sink *sink;
	bool turned;
};

static bool copy(void *ctx, const unsigned char *name, size_t n)
{
	struct copying *c = ctx;
	const struct media_sink *sink = c->sink;

	if (!goes_on(name))
		return true;
	if (is(name, "VP8X")) {
		unsigned char flags = (unsigned char)((name[8] & ~(HAS_EXIF | HAS_XMP)) | (c->turned ? HAS_EXIF : 0));
		PUT(name, 8);
		PUT(&flags, 1);
		PUT(name + 9, n - 1 + (n & 1));
	} else {
		PUT(name, 8 + n + (n & 1));
	}
	return true;
}

static void put_le32(const struct media_sink *sink, size_t n)
{
	unsigned char bytes[4] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24)};

	PUT(bytes, 4);
}

bool media_strip_webp(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	struct look l = {.plan = {.orientation = 1}, .size = size};
	struct copying c = {.sink = sink};
	unsigned char tiff[MEDIA_TIFF_BYTES];
	size_t whole = len >= 12 ? media_le32(in + 4) : 0;

	if (whole < 4 || whole > len - 8 || !each_chunk(in, whole + 8, look_at, &l) || !l.plan.picture)
		return false;
	c.turned = l.plan.extended && l.plan.orientation != 1;
	PUT("RIFF", 4);
	put_le32(sink, 4 + l.plan.bytes + (c.turned ? 8 + MEDIA_TIFF_BYTES : 0));
	PUT("WEBP", 4);
	if (!each_chunk(in, whole + 8, copy, &c))
		return false;
	if (c.turned) {
		media_orientation_tiff(tiff, l.plan.orientation);
		PUT("EXIF", 4);
		put_le32(sink, MEDIA_TIFF_BYTES);
		PUT(tiff, MEDIA_TIFF_BYTES);
		media_turn(size, l.plan.orientation);
	}
	return size->width > 0 && size->height > 0;
}
