/* JPEG: which segments go on, and Exif's orientation: see media.h. ITU T.81 annex B; Exif 2.3 §4.5. */
#include <string.h>

#include "base/media.h"

#define PUT(bytes, n) sink->put(sink->ctx, bytes, n)

/* ---- Exif ---- */

int media_orientation(const unsigned char *tiff, size_t len)
{
	bool big;
	uint32_t at, count;

	if (len < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
		return 1;
	big = tiff[0] == 'M';
	at = big ? media_be32(tiff + 4) : media_le32(tiff + 4);
	if (at > len - 2)
		return 1;
	count = big ? media_be16(tiff + at) : media_le16(tiff + at);
	at += 2;
	for (; count > 0 && at <= len && len - at >= 12; count--, at += 12) {
		const unsigned char *field = tiff + at;
		uint32_t value = big ? media_be16(field + 8) : media_le16(field + 8);
		if ((big ? media_be16(field) : media_le16(field)) == 0x0112)
			return value >= 1 && value <= 8 ? (int)value : 1;
	}
	return 1;
}

void media_orientation_tiff(unsigned char out[MEDIA_TIFF_BYTES], int orientation)
{
	static const unsigned char all[MEDIA_TIFF_BYTES] = {'M', 'M', 0, '*', 0, 0, 0, 8, /* one directory, at 8 */
		0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0};                              /* one field, a SHORT; no next directory */

	memcpy(out, all, sizeof all);
	out[19] = (unsigned char)orientation;
}

void media_turn(struct media_size *size, int orientation)
{
	if (orientation >= 5) {
		int64_t width = size->width;
		size->width = size->height;
		size->height = width;
	}
}

/* ---- segments ---- */

static bool is_frame(unsigned char marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* What decoders need, and application data that the picture needs to look right: its density, its colours. All else may say who, where, when, with what. */
static bool goes_on(unsigned char marker, const unsigned char *data, size_t len)
{
	if (marker == 0xe0)
		return len >= 5 && memcmp(data, "JFIF", 5) == 0;
	if (marker == 0xe2)
		return len >= 12 && memcmp(data, "ICC_PROFILE", 12) == 0;
	if (marker == 0xee)
		return len >= 5 && memcmp(data, "Adobe", 5) == 0;
	return marker < 0xe0;
}

/* JFIF may carry a thumbnail of what the picture was before it was cut: without it. */
static void put_jfif(const struct media_sink *sink, const unsigned char *data)
{
	unsigned char bare[18] = {0xff, 0xe0, 0, 16};

	memcpy(bare + 4, data, 12);
	PUT(bare, sizeof bare);
}

/* In front of everything else, as Exif wants it. */
static void put_orientation(const struct media_sink *sink, int orientation)
{
	unsigned char segment[10 + MEDIA_TIFF_BYTES] = {0xff, 0xe1, 0, 8 + MEDIA_TIFF_BYTES, 'E', 'x', 'i', 'f'};

	media_orientation_tiff(segment + 10, orientation);
	PUT(segment, sizeof segment);
}

/* The end of coded data that begins at at: the 0xff of the next marker that is none of its own; 0 when it never ends. */
static size_t coded_end(const unsigned char *in, size_t len, size_t at)
{
	while (at + 1 < len) {
		const unsigned char *found = memchr(in + at, 0xff, len - 1 - at);
		if (!found)
			return 0;
		at = (size_t)(found - in);
		if (in[at + 1] != 0 && in[at + 1] != 0xff && (in[at + 1] < 0xd0 || in[at + 1] > 0xd7))
			return at;
		at += in[at + 1] == 0xff ? 1 : 2;
	}
	return 0;
}

struct walk {
	size_t at;
	int orientation;
	bool framed, scanned;
};

/* One segment at w->at, its marker read. False: malformed. */
static bool segment(const struct media_sink *sink, const unsigned char *in, size_t len, struct walk *w, struct media_size *size)
{
	unsigned char marker = in[w->at + 1];
	size_t n = len - w->at >= 4 ? media_be16(in + w->at + 2) : 0, begin = w->at;
	const unsigned char *data = in + w->at + 4;

	if (n < 2 || n > len - w->at - 2 || marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9))
		return false;
	if (marker == 0xe1 && n >= 8 && memcmp(data, "Exif\0", 6) == 0 && !w->framed && w->orientation == 1) {
		w->orientation = media_orientation(data + 6, n - 8);
		if (w->orientation != 1)
			put_orientation(sink, w->orientation);
	}
	if (is_frame(marker)) {
		if (w->framed || n < 9)
			return false;
		w->framed = true;
		size->height = media_be16(data + 1);
		size->width = media_be16(data + 3);
	}
	w->at += 2 + n;
	if (marker == 0xda) {
		size_t end = coded_end(in, len, w->at);
		if (!w->framed || end == 0)
			return false;
		w->scanned = true;
		w->at = end;
	}
	if (marker == 0xe0 && n >= 16 && goes_on(marker, data, n - 2))
		put_jfif(sink, data);
	else if (marker != 0xe0 && goes_on(marker, data, n - 2))
		PUT(in + begin, w->at - begin);
	return true;
}

bool media_strip_jpeg(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	struct walk w = {.at = 2, .orientation = 1};

	if (len < 4)
		return false;
	PUT(in, 2);
	for (;;) {
		while (w.at + 1 < len && in[w.at] == 0xff && in[w.at + 1] == 0xff) /* fill bytes */
			w.at++;
		if (w.at + 1 >= len || in[w.at] != 0xff)
			return false;
		if (in[w.at + 1] == 0xd9)
			break;
		if (!segment(sink, in, len, &w, size))
			return false;
	}
	/* What follows the end (more pictures, films, other files) is not part of this one. */
	PUT(in + w.at, 2);
	media_turn(size, w.orientation);
	return w.scanned && size->width > 0 && size->height > 0;
}
