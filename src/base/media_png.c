/* PNG: which chunks go on: see media.h. W3C PNG (third edition) §5, §11. */
#include <string.h>

#include "base/media.h"

#define PUT(bytes, n) sink->put(sink->ctx, bytes, n)
#define SIDE_MOST 0x7fffffff

static uint32_t crc(uint32_t sum, const unsigned char *bytes, size_t len)
{
	static const uint32_t half[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

	sum = ~sum;
	for (size_t i = 0; i < len; i++) {
		sum ^= bytes[i];
		sum = sum >> 4 ^ half[sum & 15];
		sum = sum >> 4 ^ half[sum & 15];
	}
	return ~sum;
}

static bool is(const unsigned char *name, const char *other)
{
	return memcmp(name, other, 4) == 0;
}

/* What the picture, its colours and its movement need. */
static bool goes_on(const unsigned char *name)
{
	static const char needed[][5] = {
		"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "sBIT", "bKGD", "pHYs", "acTL", "fcTL", "fdAT"};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (is(name, needed[i]))
			return true;
	return false;
}

static void put_orientation(const struct media_sink *sink, int orientation)
{
	unsigned char chunk[12 + MEDIA_TIFF_BYTES] = {0, 0, 0, MEDIA_TIFF_BYTES, 'e', 'X', 'I', 'f'};
	uint32_t sum;

	media_orientation_tiff(chunk + 8, orientation);
	sum = crc(0, chunk + 4, 4 + MEDIA_TIFF_BYTES);
	for (int i = 0; i < 4; i++)
		chunk[8 + MEDIA_TIFF_BYTES + i] = (unsigned char)(sum >> (24 - 8 * i));
	PUT(chunk, sizeof chunk);
}

/* Orientation counts where eXIf stands before the data; later browsers no longer look. */
struct walk {
	int orientation;
	bool data;
};

static bool chunk(const struct media_sink *sink, const unsigned char *name, size_t n, struct walk *w, struct media_size *size)
{
	const unsigned char *data = name + 4;

	if ((size->width == 0) != is(name, "IHDR"))
		return false;
	if (is(name, "IHDR")) {
		if (n != 13)
			return false;
		size->width = media_be32(data);
		size->height = media_be32(data + 4);
		if (size->width < 1 || size->width > SIDE_MOST || size->height < 1 || size->height > SIDE_MOST)
			return false;
	}
	if (is(name, "eXIf") && !w->data && w->orientation == 1) {
		w->orientation = media_orientation(data, n);
		if (w->orientation != 1)
			put_orientation(sink, w->orientation);
	}
	w->data |= is(name, "IDAT");
	/* A chunk that decoders must understand (a capital first letter) and that we don't know: not to be shown half. */
	return goes_on(name) || (name[0] & 0x20);
}

bool media_strip_png(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	struct walk w = {.orientation = 1};

	if (len < 8)
		return false;
	PUT(in, 8);
	for (size_t at = 8; len - at >= 12;) {
		size_t n = media_be32(in + at);
		const unsigned char *name = in + at + 4;
		if (n > len - at - 12 || crc(0, name, n + 4) != media_be32(name + 4 + n) || !chunk(sink, name, n, &w, size))
			return false;
		if (goes_on(name))
			PUT(in + at, n + 12);
		at += n + 12;
		if (is(name, "IEND")) { /* what follows is not part of the picture */
			media_turn(size, w.orientation);
			return w.data && n == 0;
		}
	}
	return false;
}
