/* See sse.h. Used by the stream program's subscribers. */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "http/sse.h"

static bool one_line(const char *text)
{
	return !text[strcspn(text, "\r\n")];
}

/* The number of bytes before the first line end (LF or CR) in len bytes. */
static size_t line_length(const char *at, size_t len)
{
	const char *lf = memchr(at, '\n', len), *cr = memchr(at, '\r', lf ? (size_t)(lf - at) : len);
	const char *end = cr ? cr : lf;

	return end ? (size_t)(end - at) : len;
}

static void data_lines(struct buf *b, const char *data, size_t len)
{
	for (;;) {
		size_t line = line_length(data, len);
		BUF_LIT(b, "data: ");
		buf_add(b, data, line);
		buf_char(b, '\n');
		if (line == len)
			return;
		line += line + 1 < len && data[line] == '\r' && data[line + 1] == '\n' ? 2 : 1;
		data += line;
		len -= line;
	}
}

void sse_event(struct buf *b, const char *id, const char *event, const char *data, size_t data_len)
{
	assert(one_line(event) && (!id || one_line(id)));
	if (id) {
		BUF_LIT(b, "id: ");
		buf_str(b, id);
		buf_char(b, '\n');
	}
	BUF_LIT(b, "event: ");
	buf_str(b, event);
	buf_char(b, '\n');
	data_lines(b, data_len ? data : "", data_len);
	buf_char(b, '\n');
}

void sse_comment(struct buf *b, const char *text)
{
	assert(one_line(text));
	BUF_LIT(b, ": ");
	buf_str(b, text);
	BUF_LIT(b, "\n\n");
}

void sse_retry(struct buf *b, int ms)
{
	BUF_LIT(b, "retry: ");
	buf_int(b, ms);
	BUF_LIT(b, "\n\n");
}
