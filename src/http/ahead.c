#include "http/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	MOST = 16384,   /* connections waiting to be parsed; past it the backlog holds the others. A power of two */
	LATE_MS = 2000, /* without a byte: lighttpd has the whole request before it connects, a peer that stalls is none of ours */
	EVENTS = 64,
};

/* A connection whose request has not come whole. */
struct partial {
	struct partial *next, **prev; /* the oldest first */
	int fd;
	int64_t until_ms; /* clock_mono_ms */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t some, room, none; /* something to take, room for more, no partial left */
	int fd[MOST];
	unsigned first, count;
	struct partial *partials, **last;
	unsigned partial_count;
	bool ended;
	int epoll;
	int (*accept_one)(void);
	bool (*is_whole)(int fd);
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
	.some = PTHREAD_COND_INITIALIZER,
	.room = PTHREAD_COND_INITIALIZER,
	.none = PTHREAD_COND_INITIALIZER,
	.last = &queue.partials};

/* Locked. */
static void put(int fd)
{
	while (queue.count == MOST)
		pthread_cond_wait(&queue.room, &queue.lock);
	queue.fd[(queue.first + queue.count++) % MOST] = fd;
	pthread_cond_signal(&queue.some);
}

/* ---- what has not come whole ---- */

/* Locked, as the next three. */
static void link_last(struct partial *p)
{
	p->next = NULL;
	p->prev = queue.last;
	*queue.last = p;
	queue.last = &p->next;
	p->until_ms = clock_mono_ms() + LATE_MS;
}

static void unlink_it(struct partial *p)
{
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		queue.last = p->prev;
}

static void forget(struct partial *p)
{
	unlink_it(p);
	free(p);
	if (--queue.partial_count == 0)
		pthread_cond_signal(&queue.none);
}

/* The oldest, if its time is over by now. */
static struct partial *late(int64_t now)
{
	return queue.partials && queue.partials->until_ms <= now ? queue.partials : NULL;
}

/* Past MOST of them, and where epoll fails, it is dropped. */
static void await_rest(int fd)
{
	struct partial *p = calloc(1, sizeof *p);
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = p};

	if (!p)
		abort();
	p->fd = fd;
	link_last(p);
	queue.partial_count++;
	if (queue.partial_count > MOST || epoll_ctl(queue.epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		forget(p);
	}
}

static void drop_late(void)
{
	int64_t now = clock_mono_ms();
	struct partial *p;

	pthread_mutex_lock(&queue.lock);
	while ((p = late(now)) != NULL) {
		queue.partials = p->next; /* as forget does: so that it can be seen here, too */
		close(p->fd);
		forget(p);
	}
	pthread_mutex_unlock(&queue.lock);
}

/* What is no longer partial goes where the others are. Only this thread forgets partials that epoll knows, so p is there. */
static void look_again(struct partial *p)
{
	bool whole = queue.is_whole(p->fd);

	if (whole)
		epoll_ctl(queue.epoll, EPOLL_CTL_DEL, p->fd, NULL);
	pthread_mutex_lock(&queue.lock);
	if (whole) {
		put(p->fd);
		forget(p);
	} else {
		unlink_it(p);
		link_last(p);
	}
	pthread_mutex_unlock(&queue.lock);
}

static void *run_partials(void *unused)
{
	struct epoll_event events[EVENTS];

	(void)unused;
	for (;;) {
		int n = epoll_wait(queue.epoll, events, EVENTS, LATE_MS / 8);
		for (int i = 0; i < n; i++)
			look_again(events[i].data.ptr);
		drop_late();
	}
	return NULL;
}

/* ---- accepting ---- */

static void *run(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = queue.accept_one()) >= 0) {
		bool whole = queue.is_whole(fd);
		pthread_mutex_lock(&queue.lock);
		if (whole)
			put(fd);
		else
			await_rest(fd);
		pthread_mutex_unlock(&queue.lock);
	}
	pthread_mutex_lock(&queue.lock);
	while (queue.partial_count > 0)
		pthread_cond_wait(&queue.none, &queue.lock);
	queue.ended = true;
	pthread_cond_broadcast(&queue.some);
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

static void start(void *(*main)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, main, NULL) != 0)
		abort();
	pthread_detach(thread);
}

void ahead_start(int (*accept_one)(void), bool (*is_whole)(int fd))
{
	queue.accept_one = accept_one;
	queue.is_whole = is_whole;
	queue.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (queue.epoll < 0)
		abort();
	start(run_partials);
	start(run);
}

int ahead_take(void)
{
	int fd = -1;

	pthread_mutex_lock(&queue.lock);
	while (queue.count == 0 && !queue.ended)
		pthread_cond_wait(&queue.some, &queue.lock);
	if (queue.count > 0) {
		fd = queue.fd[queue.first];
		queue.first = (queue.first + 1) % MOST;
		queue.count--;
		pthread_cond_signal(&queue.room);
	}
	pthread_mutex_unlock(&queue.lock);
	return fd;
}
