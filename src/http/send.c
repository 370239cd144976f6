/* Replies that come in pieces: see exchange.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "http/exchange.h"

#define PIECE 65536

static bool write_all(struct exchange *x, const struct buf *b)
{
	struct pollfd p = {.fd = x->fd, .events = POLLOUT};
	size_t at = 0;

	while (buf_ok(b) && at < b->len) {
		ssize_t n = send(x->fd, b->data + at, b->len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && poll(&p, 1, SEND_PAUSE_S * 1000) > 0)
			continue;
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return buf_ok(b);
}

bool exchange_send_begin(struct exchange *x, const char *type, int64_t length)
{
	char text[24];
	struct buf out;
	bool good;

	snprintf(text, sizeof text, "%lld", (long long)length);
	exchange_header(x, "Content-Length", text);
	buf_init(&out, PIECE);
	exchange_stream_begin(x, type, &out);
	good = write_all(x, &out);
	buf_done(&out);
	return good;
}

bool exchange_send(struct exchange *x, const void *bytes, size_t len)
{
	const char *at = bytes;
	struct buf out;
	bool good = true;

	buf_init(&out, 2 * PIECE);
	for (; good && len > 0; at += len < PIECE ? len : PIECE, len -= len < PIECE ? len : PIECE) {
		buf_reset(&out);
		exchange_stream_wrap(&out, x->fcgi_id, at, len < PIECE ? len : PIECE);
		good = write_all(x, &out);
	}
	buf_done(&out);
	return good;
}

bool exchange_send_end(struct exchange *x)
{
	struct buf out;
	bool good;

	buf_init(&out, 256);
	exchange_stream_end(&out, x->fcgi_id);
	good = write_all(x, &out);
	buf_done(&out);
	return good;
}
