/* What a file is, judged by its bytes alone, and what of it must not be handed on: photographs tell where and with what they were taken.
 * Pure functions over bytes in memory (files are mapped); any thread. Nothing here trusts a length it has read. */
#ifndef BASE_MEDIA_H
#define BASE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that go on, in order. */
struct media_sink {
	void (*put)(void *ctx, const void *bytes, size_t len);
	void *ctx;
};

struct media_size {
	int64_t width, height; /* as shown, the orientation applied; 0: it has none, or says none */
};

struct media_type {
	const char *word;    /* "jpeg": in ROOM_FILE_TYPES */
	const char *mime;    /* "image/jpeg" */
	const char *claims;  /* what clients call it, separated by blanks */
	const char *endings; /* of names, separated by blanks; the first is ours */
	bool shown;          /* a browser may show it in a page of ours; else it is only to be saved */
	/* Writes what goes on to the sink. False: malformed or cut off; what was written is void. NULL: all of it goes on as it is. */
	bool (*strip)(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);
};

/* All known types; closed by a NULL word. */
const struct media_type *media_types(void);

/* What the bytes (all of them) are; NULL: nothing we know. */
const struct media_type *media_sniff(const unsigned char *in, size_t len);

/* Does a Content-Type agree? NULL, "" and application/octet-stream claim nothing. */
bool media_agrees(const struct media_type *type, const char *claim);

/* Is the word in a list of words separated by commas or blanks? */
bool media_listed(const char *list, const char *word);

/* ---- for the files of this module ---- */

bool media_strip_jpeg(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);
bool media_strip_png(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);
bool media_strip_webp(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);
bool media_strip_gif(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);
bool media_strip_mp4(const struct media_sink *sink, const unsigned char *in, size_t len, struct media_size *size);

/* Exif (TIFF) data: the orientation, 1 to 8; 1 when it says none. */
int media_orientation(const unsigned char *tiff, size_t len);
/* The smallest Exif data that says so: MEDIA_TIFF_BYTES bytes. */
#define MEDIA_TIFF_BYTES 26
void media_orientation_tiff(unsigned char out[MEDIA_TIFF_BYTES], int orientation);
/* Turned by a quarter: width and height change places. */
void media_turn(struct media_size *size, int orientation);

static inline uint32_t media_be16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t media_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t media_le16(const unsigned char *p)
{
	return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t media_le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

#endif
