/* See exchange.h. libfcgi parses; we accept before it and keep the socket after it, for three reasons: its accept cannot be interrupted without a race, its
 * finish waits up to two seconds for the peer to close, and its requests cost 17 KB each (research: apis.md §5, where the ways to break this are listed too). */
#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/ahead.h"
#include "http/exchange.h"
#include "http/tail.h"

#define LISTEN_FD 0
#define WAKE_MS 250   /* how often a waiting accept looks whether the process is to end */
#define PEER_READ_S 2 /* lighttpd has the whole request before it connects: a peer that stalls is none of ours */

static atomic_bool ending;
static atomic_int open_count;
static bool accepts_ahead;                               /* these two are set before threads start */
static bool (*left_to_handler)(const struct request *r); /* NULL: none */

enum err exchange_setup(void)
{
	static const int signals[] = {SIGTERM, SIGUSR1, SIGPIPE};
	struct sigaction kept[sizeof signals / sizeof *signals];
	struct timeval wake = {.tv_usec = WAKE_MS * 1000};
	int listening = 0, flags;
	socklen_t len = sizeof listening;

	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening)
		return ERR_BAD_REQUEST;
	/* A blocking accept wakes one waiter per connection; polling a non-blocking one would wake them all. */
	flags = fcntl(LISTEN_FD, F_GETFL);
	if (flags < 0 || fcntl(LISTEN_FD, F_SETFL, flags & ~O_NONBLOCK) != 0 || fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC) != 0 ||
		setsockopt(LISTEN_FD, SOL_SOCKET, SO_RCVTIMEO, &wake, sizeof wake) != 0)
		return ERR_INTERNAL;

	/* libfcgi puts handlers of its own wherever it finds the default: ours come back afterwards. */
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], NULL, &kept[i]);
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1); /* it closes only what it could not parse */
	if (FCGX_Init() != 0)
		return ERR_INTERNAL;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &kept[i], NULL);
	signal(SIGPIPE, SIG_IGN);
	return OK;
}

void exchange_shutdown(void)
{
	atomic_store(&ending, true);
}

/* The next connection; -1 when the process is to end. */
static int next_connection(void)
{
	static const struct timespec short_while = {.tv_nsec = 10 * 1000 * 1000};
	static const struct timeval limit = {.tv_sec = PEER_READ_S};

	while (!atomic_load_explicit(&ending, memory_order_relaxed)) {
		int fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
			return fd;
		}
		switch (errno) {
		case EAGAIN:
		case EINTR:
		case ECONNABORTED: break;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM: /* others are to let go of some first; the connection waits in the backlog */ nanosleep(&short_while, NULL); break;
		default: return -1;
		}
	}
	return -1;
}

/* Reads FCGI_STDIN to its end (what stays unread would be taken for the peer's next words) and keeps it, up to REQUEST_MAX_BODY bytes. */
static bool read_body(struct request *r, FCGX_Stream *in)
{
	char piece[8192];
	struct buf body;
	int n = FCGX_GetStr(piece, sizeof piece, in); /* fewer bytes than asked for: that was all */

	if (n < (int)sizeof piece) {
		r->body = arena_strndup(r->arena, piece, (size_t)n);
		r->body_len = (size_t)n;
		return FCGX_GetError(in) == 0;
	}
	buf_init(&body, REQUEST_MAX_BODY);
	for (; n > 0; n = FCGX_GetStr(piece, sizeof piece, in))
		buf_add(&body, piece, (size_t)n);
	r->too_large = !buf_ok(&body);
	if (!r->too_large) {
		r->body = arena_strndup(r->arena, body.data, body.len);
		r->body_len = body.len;
	}
	buf_done(&body);
	return FCGX_GetError(in) == 0;
}

static struct exchange *exchange_new(int fd)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (!x)
		abort();
	arena_init(&x->arena);
	x->request.arena = &x->arena;
	buf_init(&x->headers, 16 * 1024);
	x->fd = fd;
	x->born_ms = clock_mono_ms();
	atomic_fetch_add_explicit(&open_count, 1, memory_order_relaxed);
	return x;
}

void exchange_accept_ahead(void)
{
	accepts_ahead = true;
	ahead_start(next_connection, exchange_whole);
}

void exchange_leave_bodies(bool (*which)(const struct request *r))
{
	left_to_handler = which;
}

/* Lets go of what libfcgi holds, but not of the connection. */
static void request_drop(FCGX_Request *r)
{
	FCGX_Free(r, 0);
	free(r);
}

bool exchange_body(struct exchange *x, bool (*take)(void *ctx, const char *bytes, size_t len), void *ctx)
{
	struct timeval limit = {.tv_sec = BODY_PAUSE_S};
	FCGX_Stream *in = ((FCGX_Request *)x->coming)->in;
	char piece[16384];
	int64_t got = 0, began_ms = clock_mono_ms(), late_ms;
	int c;

	setsockopt(x->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	/* The first byte waits for the peer; the rest of what has come with it does not. */
	while ((c = FCGX_GetChar(in)) != EOF) {
		int there = (int)(in->stop - in->rdNext);
		int n = FCGX_GetStr(piece + 1, there < (int)sizeof piece - 1 ? there : (int)sizeof piece - 1, in) + 1;
		piece[0] = (char)c;
		got += n;
		late_ms = clock_mono_ms() - began_ms - BODY_GRACE_S * 1000;
		if (late_ms > 0 && late_ms / 1000 * BODY_LEAST_BYTES_S > got)
			return false;
		if (!take(ctx, piece, (size_t)n))
			return false;
	}
	return FCGX_GetError(in) == 0 && (x->request.content_length < 0 || got == x->request.content_length);
}

struct exchange *exchange_accept(void)
{
	FCGX_Request *r;
	int fd;

	while ((fd = accepts_ahead ? ahead_take() : next_connection()) >= 0) {
		struct exchange *x;
		bool whole;

		/* A request that already has its connection, as if kept from the one before: libfcgi reads it instead of accepting. If it cannot, it closes
		 * the connection and tries its listening socket, which is none. */
		if (!(r = calloc(1, sizeof *r)))
			abort();
		FCGX_InitRequest(r, -1, FCGI_FAIL_ACCEPT_ON_INTR);
		r->ipcFd = fd;
		r->keepConnection = 1;
		if (FCGX_Accept_r(r) != 0) {
			free(r);
			continue;
		}
		x = exchange_new(fd);
		x->fcgi_id = (uint16_t)r->requestId;
		request_read(&x->request, r->envp);
		if (r->role == FCGI_RESPONDER && left_to_handler && left_to_handler(&x->request)) {
			x->request.body_coming = true;
			x->coming = r;
			return x;
		}
		whole = r->role == FCGI_RESPONDER && read_body(&x->request, r->in);
		request_drop(r);
		if (whole)
			return x;
		exchange_free(x);
	}
	return NULL;
}

void exchange_header(struct exchange *x, const char *name, const char *value)
{
	buf_str(&x->headers, name);
	BUF_LIT(&x->headers, ": ");
	buf_str(&x->headers, value);
	BUF_LIT(&x->headers, "\r\n");
}

void exchange_free(struct exchange *x)
{
	if (x->coming)
		request_drop(x->coming);
	if (x->fd >= 0)
		close(x->fd);
	buf_done(&x->headers);
	arena_done(&x->arena);
	free(x);
	atomic_fetch_sub_explicit(&open_count, 1, memory_order_relaxed);
}

void exchange_drain(int timeout_ms)
{
	static const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};
	int64_t until = clock_mono_ms() + timeout_ms;

	while ((atomic_load(&open_count) > 0 || tail_pending()) && clock_mono_ms() < until)
		nanosleep(&moment, NULL);
}

void exchange_shed(struct exchange *x)
{
	struct request bare = {.arena = &x->arena, .method = x->request.method};

	memcpy(bare.id, x->request.id, sizeof bare.id);
	x->request = bare;
	arena_done(&x->arena);
	arena_init(&x->arena);
	x->slot = NULL;
}
