/* Has a FastCGI request come whole? See exchange.h. */
#include <errno.h>
#include <fastcgi.h>
#include <stddef.h>
#include <sys/socket.h>

#include "http/exchange.h"

enum { LOOK_MOST = 128 * 1024 }; /* lighttpd's limits make no larger ones: 64 KB of body, 16 KB of headers */

bool exchange_whole(int fd)
{
	unsigned char bytes[LOOK_MOST];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	size_t at = 0, len = n > 0 ? (size_t)n : 0;

	if (n < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
	while (at + FCGI_HEADER_LEN <= len) {
		const unsigned char *h = bytes + at;
		size_t content = (size_t)h[offsetof(FCGI_Header, contentLengthB1)] << 8 | h[offsetof(FCGI_Header, contentLengthB0)];
		if (h[offsetof(FCGI_Header, version)] != FCGI_VERSION_1)
			return true;
		at += FCGI_HEADER_LEN + content + h[offsetof(FCGI_Header, paddingLength)];
		if (at <= len && content == 0 && h[offsetof(FCGI_Header, type)] == FCGI_STDIN)
			return true;
	}
	return n == 0 || len == sizeof bytes;
}
