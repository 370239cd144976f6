/* SSE readers of the load generator; see reader.h. */
#include "reader.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench.h"

enum { TOLD_AT_MOST = 8, READ_BYTES = 128 * 1024 };

static char read_buf[2 * READ_BYTES];

static void fail(struct reader *r, const char *what, ...)
{
	struct readers *all = r->all;
	if (r->state == READER_FAILED)
		return;
	r->state = READER_FAILED;
	all->failed++;
	if (r->is_ready)
		all->ready--;
	loop_close(&r->item);
	if (all->told++ >= TOLD_AT_MOST)
		return;
	va_list args;
	va_start(args, what);
	fprintf(stderr, "reader of %s: ", r->conv);
	vfprintf(stderr, what, args);
	fputc('\n', stderr);
	va_end(args);
}

/* No header that isn't needed: lighttpd keeps each for the stream's life, 240 bytes, and it is the server that is measured. */
static void send_request(struct reader *r)
{
	char request[4096];
	int len = snprintf(request, sizeof request,
		"GET /api/conversations/%s/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"Authorization: Bearer %s\r\n\r\n",
		r->conv, ntohs(r->all->addr->sin_port), r->ticket);
	if (len >= (int)sizeof request)
		errx(2, "ticket too long");
	if (send(r->item.fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		fail(r, "request: %s", strerror(errno));
	else
		r->state = READER_HEAD;
}

struct event {
	const char *name, *data;
	size_t name_len, data_len;
	uint64_t position;
	bool has_id;
};

static void take_message(struct reader *r, const struct event *e)
{
	struct readers *all = r->all;
	uint64_t seq1 = number_after(e->data, e->data_len, MESSAGE_MARK);

	if (seq1 == 0) {
		fail(r, "a message that is not ours: %.*s", (int)e->data_len, e->data);
		return;
	}
	r->messages++;
	r->sum += seq1;
	all->messages++;
	all->message(all, r->session, (uint32_t)(seq1 - 1));
}

static void take_event(struct reader *r, const struct event *e)
{
	struct readers *all = r->all;
	bool is_ready = e->name_len == 5 && memcmp(e->name, "ready", 5) == 0;

	if (is_ready) {
		/* Another one says how all stands, where we are. */
		if (!e->has_id || (r->is_ready && e->position != r->position)) {
			fail(r, "ready: %s", e->has_id ? "elsewhere" : "no id");
			return;
		}
		if (r->is_ready)
			return;
		r->is_ready = true;
		r->position = e->position;
		all->ready++;
		return;
	}
	if (e->has_id) {
		if (!r->is_ready || e->position != r->position + 1) {
			fail(r, "position %llu after %llu", (unsigned long long)e->position, (unsigned long long)r->position);
			return;
		}
		r->position = e->position;
	}
	if (e->name_len == 11 && memcmp(e->name, "message:new", 11) == 0)
		take_message(r, e);
	else
		all->other_events++;
}

static bool line_is(const char *line, const char *end, const char *field, size_t field_len)
{
	return (size_t)(end - line) > field_len && memcmp(line, field, field_len) == 0;
}

/* Handles the whole events in the text; how many bytes they were. */
static size_t take_events(struct reader *r, const char *text, size_t len)
{
	const char *end = text + len, *line = text, *start = text, *nl;
	struct event e = {0};
	bool any = false;

	while (line < end && (nl = memchr(line, '\n', (size_t)(end - line)))) {
		if (nl == line) {
			if (any)
				take_event(r, &e);
			if (r->state == READER_FAILED)
				return len;
			e = (struct event){0};
			any = false;
			start = nl + 1;
		} else if (line_is(line, nl, "id: ", 4)) {
			e.position = strtoull(line + 4, NULL, 10);
			e.has_id = any = true;
		} else if (line_is(line, nl, "event: ", 7)) {
			e.name = line + 7;
			e.name_len = (size_t)(nl - e.name);
			any = true;
		} else if (line_is(line, nl, "data: ", 6)) {
			e.data = line + 6;
			e.data_len = (size_t)(nl - e.data);
			any = true;
		} else if (*line == ':') {
			r->all->comments++;
		}
		line = nl + 1;
	}
	return (size_t)(start - text);
}

/* Takes the reply's head off. 0: not whole yet. */
static size_t take_head(struct reader *r, const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);
	if (!end)
		return 0;
	if (len < 12 || memcmp(text + 8, " 200", 4) != 0) {
		fail(r, "%.*s", (int)(len < 600 ? len : 600), text);
		return len;
	}
	for (const char *line = text; line < end; line = (const char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1)
		if (strncasecmp(line, "transfer-encoding: chunked", 26) == 0)
			r->chunked = true;
	r->state = READER_OPEN;
	return (size_t)(end + 4 - text);
}

/* Moves the data of the chunks to the front of the text, so that it is one plain text again. What is left of an
 * incomplete chunk stays behind it. Returns the plain length; *rest and *rest_len are what follows. A stream's chunks
 * are what the hub wrote at once, so waiting for a whole one loses no time. */
static size_t unchunk(struct reader *r, char *text, size_t len, char **rest, size_t *rest_len)
{
	size_t plain = 0, at = 0;
	while (at < len) {
		char *stop;
		const char *nl = memchr(text + at, '\n', len - at);
		if (!nl)
			break;
		size_t chunk = strtoul(text + at, &stop, 16);
		if (stop == text + at || *stop != '\r') {
			fail(r, "bad chunk");
			break;
		}
		size_t data = (size_t)(nl + 1 - text);
		if (len < data + chunk + 2)
			break;
		if (chunk == 0) {
			fail(r, "the server ended the stream");
			break;
		}
		memmove(text + plain, text + data, chunk);
		plain += chunk;
		at = data + chunk + 2;
	}
	*rest = text + at;
	*rest_len = len - at;
	return plain;
}

static void keep(struct reader *r, const char *text, size_t len)
{
	if (len > 0) {
		if (len > READ_BYTES)
			errx(2, "an event of more than %d bytes", READ_BYTES);
		r->carry = realloc(r->carry, len);
		if (!r->carry)
			err(2, "malloc");
		memmove(r->carry, text, len);
	} else if (r->carry) {
		free(r->carry);
		r->carry = NULL;
	}
	r->carry_len = (uint32_t)len;
}

/* One event may lie across two chunks only if it is long; then the chunk is kept whole until its event is. */
static void take_bytes(struct reader *r, char *text, size_t len)
{
	if (r->state == READER_HEAD) {
		size_t head = take_head(r, text, len);
		if (r->state == READER_FAILED)
			return;
		if (head == 0) {
			keep(r, text, len);
			return;
		}
		text += head;
		len -= head;
	}
	if (!r->chunked) {
		size_t done = take_events(r, text, len);
		if (r->state != READER_FAILED)
			keep(r, text + done, len - done);
		return;
	}
	char *rest;
	size_t rest_len, plain = unchunk(r, text, len, &rest, &rest_len);
	if (r->state == READER_FAILED)
		return;
	size_t done = take_events(r, text, plain);
	if (r->state == READER_FAILED)
		return;
	if (done == plain) {
		keep(r, rest, rest_len);
		return;
	}
	/* Put the open event back into a chunk of its own, in front of the rest. */
	size_t open = plain - done;
	char head[24];
	int head_len = snprintf(head, sizeof head, "%zx\r\n", open);
	char *whole = malloc((size_t)head_len + open + 2 + rest_len);
	if (!whole)
		err(2, "malloc");
	memcpy(whole, head, (size_t)head_len);
	memcpy(whole + head_len, text + done, open);
	memcpy(whole + head_len + open, "\r\n", 2);
	memcpy(whole + head_len + open + 2, rest, rest_len);
	keep(r, whole, (size_t)head_len + open + 2 + rest_len);
	free(whole);
}

static void reader_ready(struct loop_item *item, uint32_t events)
{
	struct reader *r = (struct reader *)item;

	if (r->state == READER_NEW) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			int code = 0;
			socklen_t len = sizeof code;
			getsockopt(item->fd, SOL_SOCKET, SO_ERROR, &code, &len);
			fail(r, "connect: %s", strerror(code));
			return;
		}
		if (events & EPOLLOUT)
			send_request(r);
	}
	if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	while (item->fd >= 0) {
		if (r->carry_len > 0)
			memcpy(read_buf, r->carry, r->carry_len);
		ssize_t n = recv(item->fd, read_buf + r->carry_len, READ_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			fail(r, "connection lost %s: %s",
				r->is_ready                   ? "after ready"
					: r->state == READER_OPEN ? "before ready"
											  : "before any answer",
				n < 0 ? strerror(errno) : "end");
			return;
		}
		take_bytes(r, read_buf, r->carry_len + (size_t)n);
		if (n < READ_BYTES && !(events & (EPOLLRDHUP | EPOLLHUP)))
			return;
	}
}

void readers_init(struct readers *all, size_t n)
{
	all->n = n;
	all->at = calloc(n, sizeof *all->at);
	if (!all->at)
		err(2, "malloc");
	all->ready = all->failed = all->told = 0;
	all->messages = all->other_events = all->comments = 0;
	for (size_t i = 0; i < n; i++)
		all->at[i] = (struct reader){.item = {.ready = reader_ready, .fd = -1}, .all = all};
}

void readers_done(struct readers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		loop_close(&all->at[i].item);
		free(all->at[i].carry);
	}
	free(all->at);
}

void reader_open(struct reader *r)
{
	if (loop_connect(&r->item, r->all->addr) != 0)
		fail(r, "connect: %s", strerror(errno));
}
