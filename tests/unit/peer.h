/* An exchange without libfcgi: its socket is one end of a pair, and the test reads what lighttpd would at the other. */
#ifndef PEER_H
#define PEER_H

#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "http/exchange.h"

static int peer_fd = -1;

/* lines: "NAME=value" FastCGI parameters, closed by NULL. */
static inline struct exchange *peer_exchange(const char *const params[])
{
	struct exchange *x = calloc(1, sizeof *x);
	int pair[2];

	assert_non_null(x);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	arena_init(&x->arena);
	x->request.arena = &x->arena;
	buf_init(&x->headers, 16 * 1024);
	x->fd = pair[0];
	x->fcgi_id = 1;
	request_read(&x->request, (char *const *)(uintptr_t)params);
	if (peer_fd >= 0)
		close(peer_fd);
	peer_fd = pair[1];
	return x;
}

/* Everything sent until the exchange was closed: the content of its FCGI_STDOUT records, NUL-terminated. The records must be whole and end as they should. */
static inline const char *peer_reply(size_t *len_out)
{
	static char wire[2000000], content[2000000];
	size_t have = 0, at = 0, len = 0;
	bool ended = false;
	ssize_t n;

	while ((n = read(peer_fd, wire + have, sizeof wire - have)) > 0)
		have += (size_t)n;
	while (have - at >= 8) {
		const unsigned char *h = (const unsigned char *)wire + at;
		size_t size = (size_t)(h[4] << 8 | h[5]);
		assert_int_equal(h[0], 1);
		assert_false(ended);
		assert_true(have - at >= 8 + size + h[6]);
		if (h[1] == 6) {
			memcpy(content + len, wire + at + 8, size);
			len += size;
		} else {
			assert_int_equal(h[1], 3);
			assert_int_equal(size, 8);
			ended = true;
		}
		at += 8 + size + h[6];
	}
	assert_true(ended);
	assert_int_equal(at, have);
	content[len] = '\0';
	if (len_out)
		*len_out = len;
	return content;
}

static inline int peer_status(const char *reply)
{
	return strncmp(reply, "Status: ", 8) == 0 ? atoi(reply + 8) : 0;
}

/* The value of the reply's first header of that name, "" when there is none. */
static inline const char *peer_header(const char *reply, const char *name)
{
	static char value[8192];
	char line[64];
	const char *found;

	snprintf(line, sizeof line, "\r\n%s: ", name);
	found = strstr(reply, line);
	snprintf(value, sizeof value, "%.*s", found ? (int)strcspn(found + strlen(line), "\r") : 0, found ? found + strlen(line) : "");
	return value;
}

static inline void peer_done(void)
{
	if (peer_fd >= 0)
		close(peer_fd);
	peer_fd = -1;
}

#endif
