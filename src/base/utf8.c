/* UTF-8 checks on what clients send. */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static inline bool continues(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the well-formed sequence at p (left > 0 bytes there), 0 when it is none; RFC 3629 §4's table. */
static size_t sequence(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return left >= 2 && continues(p[1]) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (p[0] == 0xe0)
			low = 0xa0;
		if (p[0] == 0xed)
			high = 0x9f;
		return left >= 3 && p[1] >= low && p[1] <= high && continues(p[2]) ? 3 : 0;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (p[0] == 0xf0)
			low = 0x90;
		if (p[0] == 0xf4)
			high = 0x8f;
		return left >= 4 && p[1] >= low && p[1] <= high && continues(p[2]) && continues(p[3]) ? 4 : 0;
	}
	return 0;
}

bool utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len > 0) {
		uint64_t eight;
		size_t n;
		if (len >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080) == 0))
			n = 8; /* ASCII, by far the most common */
		else
			n = sequence(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* Unicode's White_Space (PropList.txt), then the characters without width or ink that would make an empty bubble. */
static bool blank(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
		c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0x180e || (c >= 0x200b && c <= 0x200f) || c == 0x2060 ||
		c == 0xfeff;
}

bool utf8_blank(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len > 0) {
		static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
		size_t n = sequence(p, len);
		uint32_t c;
		if (n == 0)
			return false; /* broken is not blank */
		c = p[0] & mask[n];
		for (size_t i = 1; i < n; i++)
			c = c << 6 | (p[i] & 0x3f);
		if (!blank(c))
			return false;
		p += n;
		len -= n;
	}
	return true;
}
