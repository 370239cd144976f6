/* See filename.h. Called when a file is taken in. */
#include "base/filename.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { ENDING_MAX = 8 };

/* The code point at *at (valid UTF-8), which moves behind it. */
static uint32_t next_point(const unsigned char **at)
{
	const unsigned char *p = *at;
	int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
	uint32_t c = more == 3 ? *p & 7u : more == 2 ? *p & 15u : more == 1 ? *p & 31u : *p;

	for (p++; more > 0 && (*p & 0xc0) == 0x80; more--)
		c = c << 6 | (*p++ & 63u);
	*at = p;
	return c;
}

/* Characters that nobody sees, and that turn what others see: "photo\u202Egpj.exe" would look like a picture. The joiners that scripts and emoji need stay. */
static bool is_unseen(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x180e ||
		c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x3164 ||
		c == 0xfeff || c == 0xffa0 || (c >= 0xfff0 && c <= 0xfffb) || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) ||
		(c >= 0xe0000 && c <= 0xe0fff);
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Stroke by stroke into out (room bytes, closed by NUL): as much as fits, no character cut. */
static size_t copy_plain(char *out, size_t room, const char *name)
{
	const unsigned char *at = (const unsigned char *)name, *start;
	size_t n = 0;

	while (*(start = at)) {
		uint32_t c = next_point(&at);
		size_t len = (size_t)(at - start);
		if (is_unseen(c))
			continue;
		if (is_blank(c) || (c < 0x80 && strchr("<>:\"|?*/\\", (int)c))) {
			start = (const unsigned char *)(is_blank(c) ? " " : "_");
			len = 1;
			if (*start == ' ' && (n == 0 || out[n - 1] == ' '))
				continue;
		}
		if (*start == '.' && n == 0) /* hidden files, and the folders above */
			continue;
		if (n + len >= room)
			break;
		memcpy(out + n, start, len);
		n += len;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '.')) /* Windows drops these, and so would make another name of it */
		n--;
	out[n] = '\0';
	return n;
}

/* The last part of a path, whichever system it came from. */
static const char *base_of(const char *name)
{
	const char *last = name;

	for (const char *p = name; *p; p++)
		if (*p == '/' || *p == '\\')
			last = p + 1;
	return last;
}

/* Windows' devices, with any ending: "con.txt". */
static bool is_device(const char *name)
{
	static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"};
	size_t n = strcspn(name, ". ");

	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		if (strlen(devices[i]) == n && strncasecmp(name, devices[i], n) == 0)
			return true;
	return n == 4 && (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0) && name[3] >= '0' && name[3] <= '9';
}

static bool ends_right(const char *name, const char *endings)
{
	const char *dot = strrchr(name, '.');

	for (const char *at = endings; dot && *at;) {
		size_t n = strcspn(at, " ");
		if (strlen(dot + 1) == n && strncasecmp(dot + 1, at, n) == 0)
			return true;
		at += n + strspn(at + n, " ");
	}
	return false;
}

/* Cuts to room bytes between characters. */
static void cut(char *name, size_t room)
{
	size_t n = strlen(name);

	if (n > room)
		n = room;
	else
		return;
	while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	name[n] = '\0';
}

void filename_clean(char out[FILENAME_MAX_BYTES + 1], const char *name, const char *endings)
{
	char plain[1024], ending[ENDING_MAX + 2] = ".";
	size_t n = strcspn(endings, " ");

	memcpy(ending + 1, endings, n < ENDING_MAX ? n : ENDING_MAX);
	ending[1 + (n < ENDING_MAX ? n : ENDING_MAX)] = '\0';
	copy_plain(plain, sizeof plain, name ? base_of(name) : "");
	if (ends_right(plain, endings)) { /* its own, as its owner wrote it; apart, so that cutting leaves it */
		strcpy(ending, strrchr(plain, '.'));
		*strrchr(plain, '.') = '\0';
	}
	if (!*plain)
		strcpy(plain, "file");
	*out = '\0';
	if (is_device(plain))
		strcpy(out, "_");
	cut(plain, FILENAME_MAX_BYTES - strlen(out) - strlen(ending));
	strcat(out, plain);
	strcat(out, ending);
}
