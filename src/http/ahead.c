#include "http/ahead.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST = 16384 }; /* connections waiting to be parsed; past it the backlog holds the others. A power of two */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t some, room;
	int fd[MOST];
	unsigned first, count;
	bool ended;
	int (*accept_one)(void);
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};

static void *run(void *unused)
{
	int fd;

	(void)unused;
	while ((fd = queue.accept_one()) >= 0) {
		pthread_mutex_lock(&queue.lock);
		while (queue.count == MOST)
			pthread_cond_wait(&queue.room, &queue.lock);
		queue.fd[(queue.first + queue.count++) % MOST] = fd;
		pthread_cond_signal(&queue.some);
		pthread_mutex_unlock(&queue.lock);
	}
	pthread_mutex_lock(&queue.lock);
	queue.ended = true;
	pthread_cond_broadcast(&queue.some);
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

void ahead_start(int (*accept_one)(void))
{
	pthread_t thread;

	queue.accept_one = accept_one;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		abort();
	pthread_detach(thread);
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
