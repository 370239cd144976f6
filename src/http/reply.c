/* The writing half of exchange.h: header blocks, FastCGI records, whole replies in one system call, and what streams are framed with. */
#include <errno.h>
#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <fcntl.h>

#include "http/exchange.h"
#include "http/tail.h"

#define REPLY_MAX_BYTES (8u << 20) /* with its framing; the largest page of history is far below */
#define TYPE_MAX_BYTES 100         /* of a content type: ours, and short */
#define HEAD_MAX_BYTES 384         /* the fixed headers */
#define CLOSING_BYTES (2 * FCGI_HEADER_LEN + (int)sizeof(FCGI_EndRequestBody))

static void record_header(unsigned char out[FCGI_HEADER_LEN], int type, uint16_t id, size_t len)
{
	FCGI_Header h = {.version = FCGI_VERSION_1,
		.type = (unsigned char)type,
		.requestIdB1 = (unsigned char)(id >> 8),
		.requestIdB0 = (unsigned char)id,
		.contentLengthB1 = (unsigned char)(len >> 8),
		.contentLengthB0 = (unsigned char)len};

	memcpy(out, &h, sizeof h);
}

/* The end of FCGI_STDOUT and of the request. */
static void closing_records(unsigned char out[CLOSING_BYTES], uint16_t id)
{
	record_header(out, FCGI_STDOUT, id, 0);
	record_header(out + FCGI_HEADER_LEN, FCGI_END_REQUEST, id, sizeof(FCGI_EndRequestBody));
	memset(out + 2 * FCGI_HEADER_LEN, 0, sizeof(FCGI_EndRequestBody)); /* status 0, FCGI_REQUEST_COMPLETE */
}

/* What every reply says; the blank line is still missing. Returns the length. By hand: printf costs as much as all the rest of a reply. */
static size_t fixed_headers(char out[HEAD_MAX_BYTES], const struct exchange *x, int status, const char *type, bool stays)
{
	/* lighttpd keeps 224 bytes per header for as long as the reply lasts: streams, which stay, get what they need and no more
	 * (Vary where something does vary: then the gate has gathered headers). */
	static const char all[] = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nVary: Origin\r\nX-Request-Id: ";
	static const char needed[] = "Cache-Control: no-store\r\nX-Request-Id: ";
	char *at = stpcpy(out, "Status: ");

	*at++ = (char)('0' + status / 100);
	*at++ = (char)('0' + status / 10 % 10);
	*at++ = (char)('0' + status % 10);
	at = stpcpy(at, "\r\n");
	if (type) {
		at = stpcpy(at, "Content-Type: ");
		at = stpncpy(at, type, TYPE_MAX_BYTES);
		at = stpcpy(at, "\r\n");
	}
	at = stays && x->headers.len == 0 ? mempcpy(at, needed, sizeof needed - 1) : mempcpy(at, all, sizeof all - 1);
	at = stpcpy(at, x->request.id);
	at = stpcpy(at, "\r\n");
	return (size_t)(at - out);
}

/* What the peer did not take of iov (n parts, total bytes, taken of them gone) goes to the writer of tails, with the socket. */
static void leave_tail(struct exchange *x, const struct iovec *iov, size_t n, size_t total, size_t taken)
{
	char *all = malloc(total), *end = all;

	if (!all)
		return;
	for (size_t i = 0; i < n; i++) {
		memcpy(end, iov[i].iov_base, iov[i].iov_len);
		end += iov[i].iov_len;
	}
	tail_write(x->fd, all, total, taken);
	x->fd = -1;
}

/* One system call, as a rule; frees x. A peer that is gone is no error. */
static void send_and_free(struct exchange *x, struct iovec *iov, size_t n)
{
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = n};
	size_t total = 0;
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		total += iov[i].iov_len;
	do {
		sent = sendmsg(x->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0 ? (size_t)sent < total : errno == EAGAIN || errno == EWOULDBLOCK)
		leave_tail(x, iov, n, total, sent > 0 ? (size_t)sent : 0);
	exchange_free(x);
}

/* A reply that needs several records (65,535 bytes each at most): copied together first. */
static void send_long(struct exchange *x, const struct iovec *parts, size_t n)
{
	struct buf content, framed;
	struct iovec whole;

	buf_init(&content, REPLY_MAX_BYTES);
	buf_init(&framed, REPLY_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		buf_add(&content, parts[i].iov_base, parts[i].iov_len);
	if (buf_ok(&content))
		exchange_stream_wrap(&framed, x->fcgi_id, content.data, content.len);
	exchange_stream_end(&framed, x->fcgi_id);
	whole = (struct iovec){.iov_base = framed.data, .iov_len = framed.len};
	if (buf_ok(&content) && buf_ok(&framed))
		send_and_free(x, &whole, 1);
	else
		exchange_free(x); /* lighttpd answers 500 */
	buf_done(&content);
	buf_done(&framed);
}

void exchange_reply(struct exchange *x, int status, const char *type, const char *body, size_t body_len)
{
	char head[FCGI_HEADER_LEN + HEAD_MAX_BYTES];
	unsigned char closing[CLOSING_BYTES];
	size_t content;
	struct iovec iov[5];

	if (x->request.method == METHOD_HEAD || !type)
		body_len = 0;
	iov[0] = (struct iovec){head, FCGI_HEADER_LEN + fixed_headers(head + FCGI_HEADER_LEN, x, status, type, false)};
	iov[1] = (struct iovec){x->headers.data, x->headers.len};
	iov[2] = (struct iovec){(char *)"\r\n", 2};
	iov[3] = (struct iovec){(char *)body, body_len};
	content = iov[0].iov_len - FCGI_HEADER_LEN + iov[1].iov_len + 2 + body_len;
	if (content > FCGI_MAX_LENGTH) {
		iov[0] = (struct iovec){head + FCGI_HEADER_LEN, iov[0].iov_len - FCGI_HEADER_LEN};
		send_long(x, iov, 4);
		return;
	}
	record_header((unsigned char *)head, FCGI_STDOUT, x->fcgi_id, content);
	closing_records(closing, x->fcgi_id);
	iov[4] = (struct iovec){closing, sizeof closing};
	send_and_free(x, iov, 5);
}

void exchange_json(struct exchange *x, int status, const struct buf *body)
{
	if (buf_ok(body))
		exchange_reply(x, status, "application/json", body->data, body->len);
	else
		exchange_error(x, ERR_INTERNAL, NULL, 0);
}

void exchange_empty(struct exchange *x, int status)
{
	exchange_reply(x, status, NULL, NULL, 0);
}

void exchange_error(struct exchange *x, enum err e, const char *details, int retry_after_s)
{
	const struct err_row *row = err_row(e);
	struct buf body;

	buf_init(&body, 4096);
	buf_printf(&body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"", row->code, row->message);
	if (details) {
		BUF_LIT(&body, ",\"details\":");
		buf_json(&body, details, strlen(details));
	}
	if (retry_after_s > 0) {
		char seconds[16];
		snprintf(seconds, sizeof seconds, "%d", retry_after_s);
		buf_printf(&body, ",\"retry_after\":%s", seconds);
		exchange_header(x, "Retry-After", seconds);
	}
	BUF_LIT(&body, "}}");
	if (row->status == 401)
		exchange_header(x, "WWW-Authenticate", "Bearer");
	exchange_reply(x, row->status, "application/json", body.data ? body.data : "", buf_ok(&body) ? body.len : 0);
	buf_done(&body);
}

void exchange_stream_begin(struct exchange *x, const char *type, struct buf *out)
{
	char head[HEAD_MAX_BYTES];
	size_t len = fixed_headers(head, x, 200, type, true);
	int flags = fcntl(x->fd, F_GETFL);
	struct buf block;

	if (flags >= 0)
		fcntl(x->fd, F_SETFL, flags | O_NONBLOCK);
	buf_init(&block, 32 * 1024);
	buf_add(&block, head, len);
	buf_add(&block, x->headers.data, x->headers.len);
	BUF_LIT(&block, "\r\n");
	exchange_stream_wrap(out, x->fcgi_id, block.data, block.len);
	buf_done(&block);
	buf_done(&x->headers); /* a stream stays long, and has said them */
}

void exchange_stream_wrap(struct buf *out, uint16_t fcgi_id, const void *bytes, size_t len)
{
	unsigned char header[FCGI_HEADER_LEN];
	const char *at = bytes;
	size_t before = out->len;

	while (len) { /* an empty record would end the stream */
		size_t piece = len < FCGI_MAX_LENGTH ? len : FCGI_MAX_LENGTH;
		record_header(header, FCGI_STDOUT, fcgi_id, piece);
		buf_add(out, header, sizeof header);
		buf_add(out, at, piece);
		at += piece;
		len -= piece;
	}
	if (!buf_ok(out))
		out->len = before; /* a header without its bytes would swallow the records behind it */
}

void exchange_stream_end(struct buf *out, uint16_t fcgi_id)
{
	unsigned char closing[CLOSING_BYTES];

	closing_records(closing, fcgi_id);
	buf_add(out, closing, sizeof closing);
}
