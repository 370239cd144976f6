/* The load generator's event loop: one thread, one epoll, edge-triggered. Everything that owns a socket embeds a
 * struct loop_item as its first member and gets a call whenever something happened on it. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct loop_item {
	void (*ready)(struct loop_item *item, uint32_t events); /* EPOLLIN, EPOLLOUT … as epoll reports them */
	int fd;
};

void loop_init(void);
void loop_done(void);

/* Starts a non-blocking TCP connection to addr and watches it for everything. 0, or -1 with errno and item->fd = -1. */
int loop_connect(struct loop_item *item, const struct sockaddr_in *addr);
void loop_close(struct loop_item *item);

/* Waits until something happens or the instant until_ns has come, and makes the calls. */
void loop_turn(uint64_t until_ns);

uint64_t now_ns(void); /* CLOCK_MONOTONIC */
#endif
