/* Tracks of ISO media that are neither picture nor sound: cameras write there where they are, second by second. For media_mp4.c. */
#ifndef BASE_MEDIA_MP4_H
#define BASE_MEDIA_MP4_H

#include "base/media.h"

/* The box at in: how long its heading is, and all of it. top: a size of 0 means all there is. False: malformed, or longer than len. */
bool mp4_box(const unsigned char *in, size_t len, bool top, size_t *head, uint64_t *size);

/* A track (the content of `trak`) that says it is something else than picture or sound. */
bool mp4_silent(const unsigned char *trak, size_t len);

/* Bytes of the file. */
struct mp4_range {
	uint64_t from, to;
};

/* Zeroed: none. */
struct mp4_samples {
	struct mp4_range *list;
	size_t count, room;
};

/* Where a track's samples lie. False: its tables make no sense, or name more places than a camera ever wrote. */
bool mp4_samples_add(struct mp4_samples *s, const unsigned char *trak, size_t len);
void mp4_samples_sort(struct mp4_samples *s); /* in their order, none touching another */
void mp4_samples_done(struct mp4_samples *s);

#endif
