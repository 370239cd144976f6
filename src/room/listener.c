/* A stream that is followed, and what came of it: see listener.h. HTTP/1.0, so that the events come as they are, without chunks. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "room/listener.h"

#define LOOK_EACH_US 20000

struct event {
	char name[40];
	json_t *data;
};

struct listener {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	struct event *events;
	int count;
};

static void keep(struct listener *l, const char *name, const char *data)
{
	pthread_mutex_lock(&l->lock);
	l->events = realloc(l->events, (size_t)(l->count + 1) * sizeof *l->events);
	if (!l->events)
		abort();
	snprintf(l->events[l->count].name, sizeof l->events->name, "%s", name);
	l->events[l->count++].data = json_loads(data, 0, NULL);
	pthread_mutex_unlock(&l->lock);
}

static void *follow(void *listener)
{
	struct listener *l = listener;
	FILE *in = fdopen(dup(l->fd), "r");
	char *line = NULL, name[40] = "";
	size_t room = 0;

	while (in && getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, "event: ", 7) == 0)
			snprintf(name, sizeof name, "%s", line + 7);
		else if (strncmp(line, "data: ", 6) == 0)
			keep(l, name, line + 6);
	}
	if (line)
		explicit_bzero(line, room);
	free(line);
	if (in)
		fclose(in);
	return NULL;
}

static bool ask(int fd, int port, const char *path, const char *ticket, const char *last_id)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct buf text;
	bool good;

	buf_init(&text, 16384);
	buf_printf(&text, "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n", path, port, ticket);
	if (last_id)
		buf_printf(&text, "Last-Event-ID: %s\r\n", last_id);
	BUF_LIT(&text, "\r\n");
	good = buf_ok(&text) && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
		send(fd, text.data, text.len, MSG_NOSIGNAL) == (ssize_t)text.len;
	buf_done(&text);
	return good;
}

struct listener *listener_open(int port, const char *path, const char *ticket, const char *last_id)
{
	struct listener *l = calloc(1, sizeof *l);

	if (!l)
		abort();
	pthread_mutex_init(&l->lock, NULL);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && ask(l->fd, port, path, ticket, last_id) && thread_start(&l->thread, follow, l) == 0)
		return l;
	if (l->fd >= 0)
		close(l->fd);
	free(l);
	return NULL;
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	shutdown(l->fd, SHUT_RDWR);
	pthread_join(l->thread, NULL);
	close(l->fd);
	for (int i = 0; i < l->count; i++)
		json_decref(l->events[i].data);
	free(l->events);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int listener_count(struct listener *l, const char *name)
{
	int n = 0;

	pthread_mutex_lock(&l->lock);
	for (int i = 0; i < l->count; i++)
		n += strcmp(l->events[i].name, name) == 0;
	pthread_mutex_unlock(&l->lock);
	return n;
}

bool listener_wait(struct listener *l, const char *name, int count, int within_ms, const atomic_bool *stop)
{
	int64_t deadline = clock_mono_ms() + within_ms;

	while (listener_count(l, name) < count) {
		if (*stop || clock_mono_ms() > deadline)
			return false;
		usleep(LOOK_EACH_US);
	}
	return true;
}

const char *listener_text(struct listener *l, const char *name, int i, const char *member, char *out, size_t size)
{
	const char *text = NULL;

	pthread_mutex_lock(&l->lock);
	for (int k = 0; k < l->count; k++)
		if (strcmp(l->events[k].name, name) == 0 && i-- == 0)
			text = json_string_value(json_object_get(l->events[k].data, member));
	snprintf(out, size, "%s", text ? text : "");
	pthread_mutex_unlock(&l->lock);
	return out;
}
