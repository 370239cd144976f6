/* Keep-alive connections of the load generator; see pool.h. */
#include "pool.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 10, FIRST_BYTES = 4096 };

struct peer {
	struct loop_item item;
	struct pool *pool;
	bool busy, connected;
	int tries;
	uint32_t tag;
	char *in;
	size_t in_len, in_cap;
	char *rest; /* what a short write left over */
	size_t rest_len;
};

static void peer_start(struct peer *p);

static void peer_finish(struct peer *p, const struct reply *reply)
{
	struct pool *pool = p->pool;
	p->busy = false;
	p->in_len = 0;
	pool->idle[pool->idle_n++] = p;
	pool->replied(pool, p->tag, reply);
}

/* The connection is gone. Under way: again on a new one, a few times. */
static void peer_lost(struct peer *p)
{
	loop_close(&p->item);
	p->connected = false;
	p->in_len = 0;
	p->rest_len = 0;
	if (!p->busy)
		return;
	if (++p->tries > TRIES) {
		peer_finish(p, &(struct reply){0});
		return;
	}
	p->pool->repeats++;
	peer_start(p);
}

static void peer_write(struct peer *p)
{
	size_t len = p->rest_len;
	const char *bytes = len > 0 ? p->rest : p->pool->build(p->pool, p->tag, &len);
	ssize_t n = send(p->item.fd, bytes, len, MSG_NOSIGNAL);

	if (n == (ssize_t)len) {
		p->rest_len = 0;
		return;
	}
	if (n < 0 && errno != EAGAIN) {
		peer_lost(p);
		return;
	}
	size_t sent = n > 0 ? (size_t)n : 0;
	char *rest = malloc(len - sent);
	if (!rest)
		err(2, "malloc");
	memcpy(rest, bytes + sent, len - sent);
	free(p->rest);
	p->rest = rest;
	p->rest_len = len - sent;
}

static void peer_start(struct peer *p)
{
	if (p->item.fd >= 0) {
		peer_write(p);
		return;
	}
	p->pool->connects++;
	p->connected = false; /* the request goes out when the socket is writable */
	if (loop_connect(&p->item, p->pool->addr) != 0)
		err(2, "connect");
}

/* Reads "Content-Length" and "Connection: close" out of the head. -1: the length is not given. */
static long head_length(const char *head, const char *end, bool *close_after)
{
	long length = -1;
	*close_after = false;
	for (const char *line = head; line < end;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		if (!nl)
			break;
		if ((*line | 32) == 'c') {
			if (nl - line > 15 && strncasecmp(line, "content-length:", 15) == 0)
				length = strtol(line + 15, NULL, 10);
			else if (nl - line > 17 && strncasecmp(line, "connection: close", 17) == 0)
				*close_after = true;
		}
		line = nl + 1;
	}
	return length;
}

/* Takes a whole reply out of the buffer, if there is one. */
static void peer_scan(struct peer *p)
{
	if (p->in_len < 16)
		return;
	const char *end = memmem(p->in, p->in_len, "\r\n\r\n", 4);
	if (!end)
		return;
	bool close_after;
	struct reply reply = {.status = atoi(p->in + 9)};
	long length = head_length(p->in, end + 2, &close_after);
	if (length < 0 && (reply.status == 204 || reply.status == 304))
		length = 0;
	if (length < 0)
		errx(2, "a reply without Content-Length: %.*s", (int)(end - p->in), p->in);
	reply.body = end + 4;
	reply.len = (size_t)length;
	if (p->in_len < (size_t)(reply.body - p->in) + reply.len)
		return;
	if (!p->busy)
		errx(2, "a reply nobody asked for: %.*s", (int)p->in_len, p->in);
	if (close_after) {
		loop_close(&p->item);
		p->connected = false;
	}
	peer_finish(p, &reply);
}

static void peer_ready(struct loop_item *item, uint32_t events)
{
	struct peer *p = (struct peer *)item;

	if ((events & EPOLLOUT) && p->busy && (!p->connected || p->rest_len > 0)) {
		p->connected = true;
		peer_write(p);
		if (item->fd < 0 || !p->connected)
			return;
	}
	if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	for (;;) {
		if (p->in_cap - p->in_len < FIRST_BYTES) {
			p->in_cap = p->in_cap ? p->in_cap * 2 : 2 * FIRST_BYTES;
			p->in = realloc(p->in, p->in_cap);
			if (!p->in)
				err(2, "malloc");
		}
		size_t room = p->in_cap - p->in_len - 1;
		ssize_t n = recv(item->fd, p->in + p->in_len, room, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			peer_lost(p);
			return;
		}
		p->in_len += (size_t)n;
		p->in[p->in_len] = '\0';
		bool drained = (size_t)n < room && !(events & (EPOLLRDHUP | EPOLLHUP));
		int fd = item->fd;
		peer_scan(p);
		if (drained || item->fd != fd)
			return;
	}
}

void pool_init(struct pool *pool, size_t connections)
{
	pool->n = connections;
	pool->idle_n = 0;
	pool->repeats = pool->connects = 0;
	pool->peers = calloc(connections, sizeof *pool->peers);
	pool->idle = calloc(connections, sizeof(void *));
	if (!pool->peers || !pool->idle)
		err(2, "malloc");
	for (size_t i = 0; i < connections; i++) {
		pool->peers[i] = (struct peer){.item = {.ready = peer_ready, .fd = -1}, .pool = pool};
		pool->idle[pool->idle_n++] = &pool->peers[i];
	}
}

void pool_done(struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++) {
		loop_close(&pool->peers[i].item);
		free(pool->peers[i].in);
		free(pool->peers[i].rest);
	}
	free(pool->peers);
	free(pool->idle);
}

bool pool_send(struct pool *pool, uint32_t tag)
{
	if (pool->idle_n == 0)
		return false;
	struct peer *p = pool->idle[--pool->idle_n];
	p->busy = true;
	p->tries = 0;
	p->tag = tag;
	peer_start(p);
	return true;
}

uint64_t number_after(const char *text, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = memmem(text, len, name, name_len), *end = text + len;
	uint64_t n = 0;
	if (!at)
		return 0;
	for (at += name_len; at < end && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (uint64_t)(*at - '0');
	return n;
}
