/* Listening sockets: see listen.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "room/command.h"
#include "room/listen.h"

static int listen_on(const struct addrinfo *a, int port)
{
	struct sockaddr_storage address = {0};
	int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed;

	if (fd < 0)
		return -1;
	memcpy(&address, a->ai_addr, a->ai_addrlen);
	if (a->ai_family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&address, a->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

static int port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} address = {.six = {0}};
	socklen_t len = sizeof address;

	if (getsockname(fd, &address.any, &len) != 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

/* An address family that this machine lacks is no mistake: containers often have no IPv6. */
static bool absent(int error)
{
	return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

/* One attempt at all addresses; with port 0 the first socket's choice is asked of the others. 0, or errno. */
static int listen_all(struct listen_tcp *out, const struct addrinfo *list, int port)
{
	int failed = EADDRNOTAVAIL;

	*out = (struct listen_tcp){.port = port};
	for (const struct addrinfo *a = list; a && out->count < LISTEN_TCP_MAX; a = a->ai_next) {
		int fd = listen_on(a, out->port);
		if (fd < 0 && absent(errno))
			continue;
		if (fd < 0) {
			failed = errno;
			listen_tcp_close(out);
			return failed;
		}
		out->fds[out->count++] = fd;
		if (out->port == 0)
			out->port = port_of(fd);
	}
	return out->count > 0 ? 0 : failed;
}

/* "localhost" without asking the resolver, which in containers may know only one of the two. */
static int look_up(const char *host, struct addrinfo **list)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
	int failed;

	if (strcmp(host, "*") == 0)
		return getaddrinfo(NULL, "0", &hints, list);
	if (strcmp(host, "localhost") == 0) {
		struct addrinfo *six = NULL, **end = list;
		failed = getaddrinfo("127.0.0.1", "0", &hints, list);
		if (failed == 0 && getaddrinfo("::1", "0", &hints, &six) == 0) {
			while (*end)
				end = &(*end)->ai_next;
			*end = six;
		}
		return failed;
	}
	hints.ai_flags = AI_PASSIVE;
	return getaddrinfo(host, "0", &hints, list);
}

int listen_tcp(struct listen_tcp *out, const char *host, int port)
{
	struct addrinfo *list = NULL;
	int failed = look_up(host, &list), tries = port == 0 ? 20 : 1;

	if (failed != 0)
		return command_failed("ROOM_BIND=%s: %s", host, gai_strerror(failed));
	do
		failed = listen_all(out, list, port);
	while (failed == EADDRINUSE && --tries > 0);
	freeaddrinfo(list);
	if (failed == EADDRINUSE) {
		command_failed("port %d is taken by another program: stop it, or choose another with ROOM_PORT (0: any free one)", port);
		return COMMAND_IN_USE;
	}
	return failed ? command_failed("cannot listen on %s, port %d: %s", host, port, strerror(failed)) : 0;
}

void listen_tcp_close(struct listen_tcp *t)
{
	for (int i = 0; i < t->count; i++)
		close(t->fds[i]);
	t->count = 0;
}

int listen_unix(const char *path, const struct account *account)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t before = umask(0177);
	bool good;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	unlink(path);
	good = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && account_share(account, path, 0660) &&
		listen(fd, LISTEN_BACKLOG) == 0;
	umask(before);
	if (good)
		return fd;
	command_failed("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
