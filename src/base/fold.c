/* See fold.h. */
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <wctype.h>

#include "base/fold.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t unicode; /* 0: none here, ASCII only */

static void open_locale(void)
{
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* The next character in lower case; 0 at the end. */
static uint32_t next(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	uint32_t c = p[0];
	int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (c == 0)
		return 0;
	if (more > 0)
		c &= 0x3fU >> more;
	*text += 1;
	for (; more > 0 && (**text & 0xc0) == 0x80; more--, *text += 1)
		c = c << 6 | ((unsigned char)**text & 0x3f);
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	return unicode ? (uint32_t)towlower_l((wint_t)c, unicode) : c;
}

bool fold_within(const char *text, const char *needle)
{
	pthread_once(&once, open_locale);
	for (;;) {
		const char *t = text, *n = needle;
		uint32_t want;
		while ((want = next(&n)) && next(&t) == want)
			;
		if (want == 0)
			return true;
		if (next(&text) == 0)
			return false;
	}
}
