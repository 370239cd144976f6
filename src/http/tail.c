/* See tail.h. lighttpd takes a reply as fast as it comes, so this runs only for replies larger than a socket's buffer, or when lighttpd is starved. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/tail.h"

#define TAILS_MAX 256 /* at a time; more than that and the peer is not reading at all */
#define TAIL_MAX_BYTES (32u << 20)
#define STACK_BYTES (256 * 1024)

struct tail {
	int fd;
	char *bytes;
	size_t len, offset;
	int64_t until_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tail tails[TAILS_MAX]; /* guarded by lock, as all of this */
static size_t count, held_bytes;
static bool running;

static void drop(struct tail *t)
{
	close(t->fd);
	free(t->bytes);
	held_bytes -= t->len;
	*t = tails[--count];
}

/* True when t is done with, one way or the other. */
static bool push(struct tail *t)
{
	while (t->offset < t->len) {
		ssize_t n = send(t->fd, t->bytes + t->offset, t->len - t->offset, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (errno != EAGAIN && errno != EWOULDBLOCK) || clock_mono_ms() >= t->until_ms;
		t->offset += (size_t)n;
	}
	return true;
}

static void *run(void *unused)
{
	struct pollfd fds[TAILS_MAX];
	size_t n;

	(void)unused;
	for (;;) {
		pthread_mutex_lock(&lock);
		for (size_t i = count; i > 0; i--)
			if (push(&tails[i - 1]))
				drop(&tails[i - 1]);
		if (count == 0) {
			running = false;
			pthread_mutex_unlock(&lock);
			return NULL;
		}
		for (n = 0; n < count; n++)
			fds[n] = (struct pollfd){.fd = tails[n].fd, .events = POLLOUT};
		pthread_mutex_unlock(&lock);
		poll(fds, n, 20); /* short: those that came meanwhile wait as long */
	}
}

static bool start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&thread, &attr, run, NULL);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

void tail_write(int fd, char *bytes, size_t len, size_t offset)
{
	pthread_mutex_lock(&lock);
	if (count < TAILS_MAX && held_bytes + len <= TAIL_MAX_BYTES && (running || start())) {
		running = true;
		held_bytes += len;
		tails[count++] = (struct tail){.fd = fd, .bytes = bytes, .len = len, .offset = offset, .until_ms = clock_mono_ms() + TAIL_MS};
	} else { /* bounded: lighttpd answers 500, the client asks again */
		close(fd);
		free(bytes);
	}
	pthread_mutex_unlock(&lock);
}

bool tail_pending(void)
{
	bool some;

	pthread_mutex_lock(&lock);
	some = count > 0;
	pthread_mutex_unlock(&lock);
	return some;
}
