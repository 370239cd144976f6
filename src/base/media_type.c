/* The table of types and how each is told by its bytes: see media.h. */
#include <string.h>
#include <strings.h>

#include "base/media.h"
#include "base/utf8.h"

/* clang-format off: a row a line */
static const struct media_type types[] = {
	{"jpeg", "image/jpeg", "image/jpeg image/jpg image/pjpeg", "jpg jpeg jpe jfif", true, media_strip_jpeg},
	{"png", "image/png", "image/png image/apng image/x-png", "png apng", true, media_strip_png},
	{"gif", "image/gif", "image/gif", "gif", true, media_strip_gif},
	{"webp", "image/webp", "image/webp", "webp", true, media_strip_webp},
	{"pdf", "application/pdf", "application/pdf application/x-pdf", "pdf", false, NULL},
	{"mp3", "audio/mpeg", "audio/mpeg audio/mp3 audio/mpeg3 audio/x-mpeg-3 audio/x-mp3", "mp3", true, NULL},
	{"ogg", "audio/ogg", "audio/ogg audio/opus audio/vorbis application/ogg video/ogg", "ogg oga opus ogv", true, NULL},
	{"wav", "audio/wav", "audio/wav audio/x-wav audio/wave audio/vnd.wave", "wav", true, NULL},
	{"m4a", "audio/mp4", "audio/mp4 audio/m4a audio/x-m4a audio/aac audio/mp4a-latm", "m4a m4b mp4", true, media_strip_mp4},
	{"mp4", "video/mp4", "video/mp4 audio/mp4 video/x-m4v audio/x-m4a audio/m4a", "mp4 m4v m4a", true, media_strip_mp4},
	{"mov", "video/quicktime", "video/quicktime video/mp4", "mov qt", true, media_strip_mp4},
	{"webm", "video/webm", "video/webm audio/webm", "webm weba", true, NULL},
	{"txt", "text/plain", "text/plain", "txt text log md csv", false, NULL},
	{.word = NULL},
};
/* clang-format on */

enum { JPEG, PNG, GIF, WEBP, PDF, MP3, OGG, WAV, M4A, MP4, MOV, WEBM, TXT };

const struct media_type *media_types(void)
{
	return types;
}

static bool begins(const unsigned char *in, size_t len, size_t at, const char *with, size_t n)
{
	return len >= at + n && memcmp(in + at, with, n) == 0;
}

#define BEGINS(at, lit) begins(in, len, at, lit, sizeof(lit) - 1)

/* ISO media: by the major brand. Pictures in this coat (HEIC, AVIF) are not among those we can strip. */
static const struct media_type *sniff_brand(const unsigned char *in, size_t len)
{
	static const char audio[][5] = {"M4A ", "M4B "};
	static const char video[][5] = {"isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "M4V ",
		"M4VH", "M4VP", "MSNV", "dash", "msdh", "mmp4", "3gp4", "3gp5", "3gp6", "f4v "};

	for (size_t i = 0; i < sizeof audio / sizeof *audio; i++)
		if (begins(in, len, 8, audio[i], 4))
			return &types[M4A];
	for (size_t i = 0; i < sizeof video / sizeof *video; i++)
		if (begins(in, len, 8, video[i], 4))
			return &types[MP4];
	return BEGINS(8, "qt  ") ? &types[MOV] : NULL;
}

/* The length of the MPEG audio frame (layer III) whose header is at p; 0: none is. */
static size_t frame_bytes(const unsigned char *p)
{
	static const int rates1[] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
	static const int rates2[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
	static const int samples[] = {44100, 48000, 32000, 0};
	int version = p[1] >> 3 & 3, hz = samples[p[2] >> 2 & 3], kbit = (version == 3 ? rates1 : rates2)[p[2] >> 4];

	if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || version == 1 || (p[1] >> 1 & 3) != 1 || hz == 0 || kbit == 0)
		return 0;
	hz = version == 3 ? hz : version == 2 ? hz / 2 : hz / 4;
	return (size_t)((version == 3 ? 144000 : 72000) * kbit / hz + (p[2] >> 1 & 1));
}

/* Two frames in a row: one alone is found in any noise. */
static bool is_mp3(const unsigned char *in, size_t len)
{
	size_t first;

	if (BEGINS(0, "ID3"))
		return len > 10;
	first = len >= 4 ? frame_bytes(in) : 0;
	return first > 0 && first + 4 <= len && frame_bytes(in + first) > 0;
}

/* Text is UTF-8 without control characters other than those of layout. */
static bool is_text(const unsigned char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((in[i] < ' ' && in[i] != '\t' && in[i] != '\n' && in[i] != '\r' && in[i] != '\f') || in[i] == 0x7f)
			return false;
	return len > 0 && utf8_valid((const char *)in, len);
}

const struct media_type *media_sniff(const unsigned char *in, size_t len)
{
	if (BEGINS(0, "\xff\xd8\xff"))
		return &types[JPEG];
	if (BEGINS(0, "\x89PNG\r\n\x1a\n"))
		return &types[PNG];
	if (BEGINS(0, "GIF87a") || BEGINS(0, "GIF89a"))
		return &types[GIF];
	if (BEGINS(0, "RIFF") && BEGINS(8, "WEBP"))
		return &types[WEBP];
	if (BEGINS(0, "RIFF") && BEGINS(8, "WAVE"))
		return &types[WAV];
	if (BEGINS(0, "%PDF-"))
		return &types[PDF];
	if (BEGINS(0, "OggS\0"))
		return &types[OGG];
	if (BEGINS(4, "ftyp"))
		return sniff_brand(in, len);
	if (BEGINS(0, "\x1a\x45\xdf\xa3"))
		return memmem(in, len < 80 ? len : 80, "\x42\x82\x84webm", 7) ? &types[WEBM] : NULL;
	if (is_mp3(in, len))
		return &types[MP3];
	return is_text(in, len) ? &types[TXT] : NULL;
}

bool media_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at;) {
		size_t n = strcspn(at, ", ");
		if (n == len && strncasecmp(at, word, n) == 0)
			return true;
		at += n + strspn(at + n, ", ");
	}
	return false;
}

bool media_agrees(const struct media_type *type, const char *claim)
{
	char bare[64];
	size_t n;

	if (!claim || !*claim)
		return true;
	n = strcspn(claim, "; \t");
	if (n >= sizeof bare)
		return false;
	memcpy(bare, claim, n);
	bare[n] = '\0';
	return strcasecmp(bare, "application/octet-stream") == 0 || media_listed(type->claims, bare);
}
