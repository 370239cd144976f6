/* The server of `room life`: connections, and the requests that came. See played.h; what each part says is in played_parts.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/thread.h"
#include "room/played.h"

enum {
	AT_ONCE = 32,
	REQUEST_MOST = 1 << 20,
	TOKEN_HEX = 48,
};

struct connection {
	int fd;
	struct buf in;
};

struct played {
	const struct played_terms *terms;
	char access_token[TOKEN_HEX + 1];
	int listener, wake, port;
	pthread_t thread;
	struct connection open[AT_ONCE]; /* the thread's */
	int count;

	pthread_mutex_t lock;
	struct played_request *requests;
	int request_count;
	const char *breach;
};

/* ---- one request ---- */

void played_header(const struct played_request *r, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	*out = '\0';
	for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		const char *value = line + 2 + len + 1;
		if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
			continue;
		value += strspn(value, " ");
		snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
		return;
	}
}

static void send_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0 && (n = send(fd, bytes, len, MSG_NOSIGNAL)) > 0) {
		bytes += n;
		len -= (size_t)n;
	}
}

static void keep(struct played *p, const struct played_request *r)
{
	pthread_mutex_lock(&p->lock);
	p->requests = realloc(p->requests, (size_t)(p->request_count + 1) * sizeof *p->requests);
	if (!p->requests)
		abort();
	p->requests[p->request_count++] = *r;
	if (r->why && !p->breach)
		p->breach = r->why;
	pthread_mutex_unlock(&p->lock);
}

static void answer(struct played *p, int fd, struct played_request *r)
{
	char *body = parts_answer(p->terms, p->access_token, r), head[200];
	size_t len = strlen(body);

	keep(p, r);
	snprintf(head, sizeof head,
		"HTTP/1.1 %s\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		r->why ? "400 Bad Request" : "200 OK", len);
	send_all(fd, head, strlen(head));
	send_all(fd, body, len);
	free(body);
}

/* Answers when the request is whole. False when the connection is done with. */
static bool look(struct played *p, struct connection *c)
{
	const char *end = c->in.data ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
	struct played_request r = {0};
	char length[24];
	size_t head_len, want;

	if (!end)
		return buf_ok(&c->in);
	head_len = (size_t)(end - c->in.data) + 2;
	r.head = strndup(c->in.data, head_len);
	if (!r.head)
		abort();
	played_header(&r, "Content-Length", length, sizeof length);
	want = strtoul(length, NULL, 10);
	if (want > REQUEST_MOST || c->in.len < head_len + 2 + want) {
		free(r.head);
		return want <= REQUEST_MOST && buf_ok(&c->in);
	}
	r.body_len = want;
	r.body = strndup(c->in.data + head_len + 2, want);
	if (!r.body)
		abort();
	answer(p, c->fd, &r);
	return false;
}

/* ---- the thread ---- */

static void take_in(struct played *p)
{
	struct timeval patience = {.tv_sec = 5};
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	p->open[p->count].fd = fd;
	buf_init(&p->open[p->count++].in, REQUEST_MOST + 65536);
}

static void let_go(struct played *p, int i)
{
	close(p->open[i].fd);
	buf_done(&p->open[i].in);
	p->open[i] = p->open[--p->count];
}

static bool read_some(struct played *p, int i)
{
	char bytes[16384];
	ssize_t n = recv(p->open[i].fd, bytes, sizeof bytes, 0);

	if (n <= 0)
		return false;
	buf_add(&p->open[i].in, bytes, (size_t)n);
	return look(p, &p->open[i]);
}

static void *serve(void *played)
{
	struct played *p = played;
	struct pollfd fds[AT_ONCE + 2];

	for (;;) {
		int watched = p->count;
		fds[0] = (struct pollfd){.fd = p->wake, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = watched < AT_ONCE ? p->listener : -1, .events = POLLIN};
		for (int i = 0; i < watched; i++)
			fds[i + 2] = (struct pollfd){.fd = p->open[i].fd, .events = POLLIN};
		if (poll(fds, (nfds_t)watched + 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		for (int i = watched - 1; i >= 0; i--) /* from the end: the last one takes the place of one that goes */
			if (fds[i + 2].revents && !read_some(p, i))
				let_go(p, i);
		if (fds[1].revents)
			take_in(p);
	}
	while (p->count > 0)
		let_go(p, p->count - 1);
	return NULL;
}

static bool listen_here(struct played *p)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(p->listener, 64) != 0 ||
		getsockname(p->listener, (struct sockaddr *)&at, &len) != 0)
		return false;
	p->port = ntohs(at.sin_port);
	return true;
}

struct played *played_start(const struct played_terms *terms)
{
	struct played *p = calloc(1, sizeof *p);
	int failed;

	if (!p)
		abort();
	p->terms = terms;
	p->listener = -1;
	pthread_mutex_init(&p->lock, NULL);
	id_hex(p->access_token, TOKEN_HEX);
	p->wake = eventfd(0, EFD_CLOEXEC);
	failed = p->wake < 0 || !listen_here(p) ? errno : thread_start(&p->thread, serve, p);
	if (!failed)
		return p;
	if (p->listener >= 0)
		close(p->listener);
	if (p->wake >= 0)
		close(p->wake);
	free(p);
	errno = failed;
	return NULL;
}

void played_stop(struct played *p)
{
	if (!p)
		return;
	eventfd_write(p->wake, 1);
	pthread_join(p->thread, NULL);
	close(p->listener);
	close(p->wake);
	for (int i = 0; i < p->request_count; i++) {
		explicit_bzero(p->requests[i].body, p->requests[i].body_len);
		free(p->requests[i].head);
		free(p->requests[i].body);
	}
	free(p->requests);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int played_port(const struct played *p)
{
	return p->port;
}

/* ---- what came ---- */

int played_count(struct played *p, enum played_part part)
{
	int n = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->request_count; i++)
		n += p->requests[i].part == part && !p->requests[i].why;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* The same message came before. With the lock held. */
static bool repeated(const struct played *p, int i)
{
	for (int k = 0; k < i; k++)
		if (p->requests[k].part == PLAYED_MAINSERVER && strcmp(p->requests[k].id, p->requests[i].id) == 0)
			return true;
	return false;
}

int played_told(struct played *p, const char *type)
{
	int n = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->request_count; i++) {
		const struct played_request *r = &p->requests[i];
		n += r->part == PLAYED_MAINSERVER && !r->why && strcmp(r->type, type) == 0 && !repeated(p, i);
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

int played_holds(struct played *p, enum played_part part, const char *text)
{
	int n = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->request_count; i++)
		n += p->requests[i].part == part && (strstr(p->requests[i].head, text) || strstr(p->requests[i].body, text));
	pthread_mutex_unlock(&p->lock);
	return n;
}

json_t *played_last(struct played *p, enum played_part part)
{
	json_t *body = NULL;

	pthread_mutex_lock(&p->lock);
	for (int i = p->request_count - 1; i >= 0 && !body; i--)
		if (p->requests[i].part == part)
			body = json_loads(p->requests[i].body, 0, NULL);
	pthread_mutex_unlock(&p->lock);
	return body;
}

const char *played_breach(struct played *p)
{
	const char *why;

	pthread_mutex_lock(&p->lock);
	why = p->breach;
	pthread_mutex_unlock(&p->lock);
	return why;
}
