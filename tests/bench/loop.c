/* Event loop of the load generator; see loop.h. */
#include "loop.h"

#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int epoll_fd = -1;

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		err(2, "epoll");
	/* The default slack of 50 µs would be part of every paced latency. */
	prctl(PR_SET_TIMERSLACK, 1);
}

void loop_done(void)
{
	close(epoll_fd);
	epoll_fd = -1;
}

int loop_connect(struct loop_item *item, const struct sockaddr_in *addr)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = item};

	if (fd < 0)
		goto out;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)addr, sizeof *addr) != 0 && errno != EINPROGRESS)
		goto out;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		goto out;
	item->fd = fd;
	return 0;
out:;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	item->fd = -1;
	errno = saved;
	return -1;
}

void loop_close(struct loop_item *item)
{
	if (item->fd >= 0)
		close(item->fd);
	item->fd = -1;
}

void loop_turn(uint64_t until_ns)
{
	struct epoll_event got[512];
	uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec wait = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
	int n = epoll_pwait2(epoll_fd, got, 512, &wait, NULL);

	for (int i = 0; i < n; i++) {
		struct loop_item *item = got[i].data.ptr;
		/* An item that an earlier call of this turn has closed is still in the list. */
		if (item->fd >= 0)
			item->ready(item, got[i].events);
	}
}
