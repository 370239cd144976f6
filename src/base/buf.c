/* The growing buffer that everything sized by a client goes into. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define FIRST_CAP 128

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

/* Room for extra more bytes and the closing NUL; false (and failed for good) beyond the cap or out of memory. */
static bool reserve(struct buf *b, size_t extra)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (b->len > b->max || extra > b->max - b->len) {
		b->failed = true;
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : FIRST_CAP;
	while (cap < need)
		cap *= 2;
	if (cap > b->max && need <= b->max + 1)
		cap = b->max + 1;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *str)
{
	buf_add(b, str, strlen(str));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_int(struct buf *b, int64_t n)
{
	char digits[20], *p = digits + sizeof digits;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do
		*--p = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		b->failed = true;
		return;
	}
	if (!reserve(b, (size_t)len))
		return;
	va_start(args, format);
	vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
}

/* How many bytes at p (left of them, valid UTF-8) are to be escaped as one, 0 = none: control characters, quote, backslash, DEL,
 * and the two line ends JavaScript knows beyond ASCII. */
static size_t escaped_len(const unsigned char *p, size_t left)
{
	if (*p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f)
		return 1;
	if (*p == 0xe2 && left >= 3 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 3;
	return 0;
}

static void escape(struct buf *b, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	unsigned char c = *p;

	if (len == 3)
		buf_add(b, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
	else if (c == '"' || c == '\\')
		buf_add(b, (char[]){'\\', (char)c}, 2);
	else if (c < 0x20 && letters[c])
		buf_add(b, (char[]){'\\', letters[c]}, 2);
	else
		buf_add(b, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
}

void buf_json(struct buf *b, const char *str, size_t len)
{
	const unsigned char *p = (const unsigned char *)str, *end = p + len, *plain = p;

	buf_char(b, '"');
	while (p < end) {
		size_t n = escaped_len(p, (size_t)(end - p));
		if (n == 0) {
			p++;
			continue;
		}
		buf_add(b, plain, (size_t)(p - plain));
		escape(b, p, n);
		p += n;
		plain = p;
	}
	buf_add(b, plain, (size_t)(p - plain));
	buf_char(b, '"');
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		if (b->data)
			b->data[0] = '\0';
		return;
	}
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

char *buf_take(struct buf *b, size_t *len_out)
{
	char *data;
	size_t len = b->len;

	buf_add(b, "", 0); /* an empty buffer is an empty string, not NULL */
	data = b->failed ? NULL : b->data;
	if (!data)
		free(b->data);
	*b = (struct buf){.max = b->max};
	if (data && len_out)
		*len_out = len;
	return data;
}
