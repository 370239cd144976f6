/* GIF: which blocks go on: see media.h. GIF89a specification. */
#include <string.h>

#include "base/media.h"

#define PUT(bytes, n) sink->put(sink->ctx, bytes, n)

/* The end of a row of sub-blocks that begins at at; 0 when it is cut off. */
static size_t sub_blocks_end(const unsigned char *in, size_t len, size_t at)
{
	while (at < len) {
		if (in[at] == 0)
			return at + 1;
		at += 1 + (size_t)in[at];
	}
	return 0;
}

static size_t table_bytes(unsigned char flags)
{
	return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* How often it runs, and how each picture follows the one before. Comments, texts and other programs' data stay behind. */
static bool extension_goes_on(const unsigned char *in, size_t len)
{
	if (in[1] == 0xf9)
		return true;
	return in[1] == 0xff && len >= 14 && in[2] == 11 && (memcmp(in + 3, "NETSCAPE2.0", 11) == 0 || memcmp(in + 3, "ANIMEXTS1.0", 11) == 0);
}

/* The end of the block at at; 0: malformed. */
static size_t block_end(const unsigned char *in, size_t len, size_t at)
{
	if (in[at] == 0x21 && len - at >= 3)
		return sub_blocks_end(in, len, at + 2);
	if (in[at] == 0x2c && len - at >= 11) {
		size_t data = at + 10 + table_bytes(in[at + 9]);
		return data < len ? sub_blocks_end(in, len, data + 1) : 0; /* after the size of its codes */
	}
	return 0;
}

bool media_strip_gif(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size)
{
	bool picture = false;
	size_t at;

	if (len < 13)
		return false;
	size->width = media_le16(in + 6);
	size->height = media_le16(in + 8);
	at = 13 + table_bytes(in[10]);
	if (at >= len)
		return false;
	PUT(in, at);
	while (at < len && in[at] != 0x3b) {
		size_t end = block_end(in, len, at);
		if (end == 0)
			return false;
		if (in[at] == 0x2c || extension_goes_on(in + at, end - at))
			PUT(in + at, end - at);
		picture |= in[at] == 0x2c;
		at = end;
	}
	if (at >= len)
		return false;
	PUT(in + at, 1);
	return picture && size->width > 0 && size->height > 0;
}
