/* A pipelined connection to Redis: see redis.h. The connection itself is in redis_link.c; replies and arguments are in redis_args.c and redis_reply.c. */
#include "store/redis.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/lua.h"
#include "store/redis_link.h"

enum {
	STALL_MS = 1000,      /* no reply for so long, when one is overdue: the connection is dead */
	PATIENCE_MS = 8000,   /* the most that an overdue call waits while others are answered */
	WAITING_MOST = 20000, /* calls that may wait for a connection; more are refused at once */
};

static void expire_waiting(struct redis *r, int64_t now)
{
	/* Deadlines rise along the queue but for calls with a longer one of their own: those only hold up what stands behind them. */
	while (r->waiting.first != NULL && r->waiting.first->deadline <= now)
		queue_push(&r->answered, queue_pop(&r->waiting));
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the oldest call on its way is given up, and the connection with it. Not while answers keep coming: a burst is no outage, and thousands who
 * are turned away only come again. */
static int64_t overdue_at(const struct redis *r)
{
	int64_t deadline = r->sent.first->deadline, stalled = r->heard_at + STALL_MS;

	return stalled <= deadline ? deadline : earlier(stalled, deadline + PATIENCE_MS);
}

static int64_t next_need(const struct redis *r, int64_t now)
{
	int64_t at = now + 1000;

	if (r->state == DOWN)
		at = earlier(at, r->retry_at);
	if (r->sent.first != NULL)
		at = earlier(at, overdue_at(r));
	if (r->waiting.first != NULL)
		at = earlier(at, r->waiting.first->deadline);
	return at;
}

/* Takes what was answered and hands it out without the lock; so callbacks may call redis_call. */
static void hand_out(struct redis *r)
{
	struct queue mine;
	struct call *c;

	mine = r->answered;
	if (mine.first == NULL) {
		pthread_mutex_unlock(&r->lock);
		return;
	}
	queue_init(&r->answered);
	pthread_mutex_unlock(&r->lock);
	for (c = mine.first; c != NULL;) {
		struct call *next = c->next;
		c->done(c->ctx, (const struct reply *)c->reply);
		if (c->reply != NULL)
			freeReplyObject(c->reply);
		free(c);
		c = next;
	}
}

/* ---- driving ---- */

int redis_fd(const struct redis *r)
{
	return r->context != NULL ? r->context->fd : -1;
}

unsigned redis_generation(const struct redis *r)
{
	return r->generation;
}

unsigned redis_events(const struct redis *r)
{
	return EPOLLIN | (r->state == CONNECTING || r->writing ? EPOLLOUT : 0);
}

bool redis_ready(const struct redis *r)
{
	return r->state == UP;
}

bool redis_unread(const struct redis *r)
{
	return r->unread;
}

void redis_io(struct redis *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->context != NULL && r->state == CONNECTING)
		link_finish(r);
	if (r->context != NULL && r->writing)
		link_write(r);
	if (r->context != NULL && r->state != CONNECTING)
		link_read(r);
	hand_out(r);
}

void redis_flush(struct redis *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->writing)
		link_write(r);
	pthread_mutex_unlock(&r->lock);
}

int64_t redis_tick(struct redis *r)
{
	int64_t now = clock_mono_ms(), at;

	pthread_mutex_lock(&r->lock);
	if (r->state == CONNECTING && r->retry_at <= now)
		link_drop(r, "connect timeout");
	if (r->sent.first != NULL && overdue_at(r) <= now)
		link_drop(r, "timeout");
	expire_waiting(r, now);
	if (r->state == DOWN && r->retry_at <= now && !r->stopping)
		link_connect(r);
	at = next_need(r, now);
	hand_out(r);
	return at;
}

static void wake(struct redis *r)
{
	uint64_t one = 1;
	ssize_t n = write(r->wake_fd, &one, sizeof one);
	(void)n; /* full means: it will wake anyway */
}

void redis_interrupt(struct redis *r)
{
	struct call *c;

	pthread_mutex_lock(&r->lock);
	if (r->context != NULL)
		link_drop(r, "interrupted");
	while ((c = queue_pop(&r->waiting)) != NULL)
		queue_push(&r->answered, c);
	pthread_mutex_unlock(&r->lock);
	if (r->threaded)
		wake(r);
}

static void *run(void *arg)
{
	struct redis *r = arg;
	uint64_t count;

	while (!__atomic_load_n(&r->stopping, __ATOMIC_ACQUIRE)) {
		int64_t wait_ms = redis_tick(r) - clock_mono_ms();
		struct pollfd p[2] = {{.fd = r->wake_fd, .events = POLLIN}};

		pthread_mutex_lock(&r->lock);
		p[1].fd = redis_fd(r);
		p[1].events = (short)(POLLIN | (redis_events(r) & EPOLLOUT ? POLLOUT : 0));
		pthread_mutex_unlock(&r->lock);
		poll(p, 2, wait_ms < 0 ? 0 : (int)wait_ms);
		if (p[0].revents != 0) {
			ssize_t n = read(r->wake_fd, &count, sizeof count);
			(void)n;
		}
		if (p[1].fd >= 0 && p[1].revents != 0)
			redis_io(r);
	}
	return NULL;
}

void redis_start(struct redis *r)
{
	r->threaded = true;
	if (pthread_create(&r->thread, NULL, run, r) != 0)
		abort();
}

enum err redis_new(struct redis **out, const char *address)
{
	struct redis *r = calloc(1, sizeof *r);

	if (r == NULL || lua_source_count > SCRIPTS_MOST)
		abort();
	if (!redis_address_parse(&r->address, address)) {
		free(r);
		return ERR_BAD_REQUEST;
	}
	signal(SIGPIPE, SIG_IGN); /* hiredis writes with write(2) */
	pthread_mutex_init(&r->lock, NULL);
	queue_init(&r->sent);
	queue_init(&r->waiting);
	queue_init(&r->answered);
	r->retry_ms = RETRY_LEAST_MS;
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0)
		abort();
	*out = r;
	return OK;
}

void redis_free(struct redis *r)
{
	struct call *c;

	if (r == NULL)
		return;
	__atomic_store_n(&r->stopping, true, __ATOMIC_RELEASE);
	if (r->threaded) {
		wake(r);
		pthread_join(r->thread, NULL);
	}
	pthread_mutex_lock(&r->lock);
	link_drop(r, "stopping");
	while ((c = queue_pop(&r->waiting)) != NULL)
		queue_push(&r->answered, c);
	hand_out(r);
	lookup_free(r->lookup);
	close(r->wake_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- calling ---- */

static void submit(struct redis *r, struct call *c)
{
	pthread_mutex_lock(&r->lock);
	if (r->state == UP) {
		link_put(r, c);
		if (r->threaded) {
			link_write(r);
			if (r->writing || r->state != UP)
				wake(r);
		}
	} else if (r->waiting.count < WAITING_MOST && !r->stopping) {
		queue_push(&r->waiting, c);
	} else {
		queue_push(&r->answered, c);
		if (r->threaded)
			wake(r);
	}
	pthread_mutex_unlock(&r->lock);
}

void redis_call(struct redis *r, const struct args *a, int timeout_ms, redis_done *done, void *ctx)
{
	submit(r, call_command(a, timeout_ms > 0 ? timeout_ms : TIMEOUT_MS, done, ctx));
}

void redis_script(struct redis *r, const char *name, const struct args *a, redis_done *done, void *ctx)
{
	submit(r, call_script(name, a, TIMEOUT_MS, done, ctx));
}
