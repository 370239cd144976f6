/* What lighttpd does to a program behind it: connects to its socket, writes a request, whole or in pieces, and goes away or reads the answer (peer.h). */
#ifndef LIGHTTPD_H
#define LIGHTTPD_H

#include <pthread.h>
#include <sys/un.h>

#include "peer.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* ---- what lighttpd would write ---- */

static void record(struct buf *b, int type, int id, const void *bytes, size_t len)
{
	unsigned char h[8] = {
		1, (unsigned char)type, (unsigned char)(id >> 8), (unsigned char)id, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};

	buf_add(b, h, 8);
	buf_add(b, bytes, len);
}

static void pair(struct buf *b, const char *name, const char *value)
{
	size_t lens[2] = {strlen(name), strlen(value)};

	for (int i = 0; i < 2; i++) {
		if (lens[i] < 128) {
			buf_char(b, (char)lens[i]);
		} else {
			unsigned char long_form[4] = {(unsigned char)(lens[i] >> 24 | 0x80), (unsigned char)(lens[i] >> 16),
				(unsigned char)(lens[i] >> 8), (unsigned char)lens[i]};
			buf_add(b, long_form, 4);
		}
	}
	buf_str(b, name);
	buf_str(b, value);
}

static void begin(struct buf *b, int role, int id)
{
	unsigned char body[8] = {0, (unsigned char)role, 0, 0, 0, 0, 0, 0};

	record(b, 1, id, body, 8);
}

static void params(struct buf *b, int id)
{
	struct buf p;

	buf_init(&p, 60000);
	pair(&p, "REQUEST_METHOD", "POST");
	pair(&p, "REQUEST_URI", "/api/sessions?x=1");
	pair(&p, "HTTP_X_LONG",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxx");
	pair(&p, "CONTENT_TYPE", "application/json");
	record(b, 4, id, p.data, p.len);
	record(b, 4, id, "", 0);
	buf_done(&p);
}

static void whole_request(struct buf *b, const char *body, size_t len)
{
	buf_init(b, 1 << 20);
	begin(b, 1, 1);
	params(b, 1);
	for (size_t at = 0; at < len; at += 40000)
		record(b, 5, 1, body + at, len - at < 40000 ? len - at : 40000);
	record(b, 5, 1, "", 0);
}

/* ---- a peer that writes while we accept ---- */

struct job {
	int fd;
	const char *bytes;
	size_t len, step; /* step 0: all at once */
	bool close_after;
};

static void *write_job(void *ctx)
{
	struct job *j = ctx;

	for (size_t at = 0; at < j->len;) {
		size_t n = j->step && j->step < j->len - at ? j->step : j->len - at;
		ssize_t done = send(j->fd, j->bytes + at, n, MSG_NOSIGNAL);
		if (done <= 0)
			break;
		at += (size_t)done;
	}
	if (j->close_after)
		close(j->fd);
	return NULL;
}

/* Accepts what the job writes. */
static struct exchange *accept_from(struct job *j)
{
	pthread_t thread;
	struct exchange *x;

	assert_int_equal(pthread_create(&thread, NULL, write_job, j), 0);
	x = exchange_accept();
	pthread_join(thread, NULL);
	assert_non_null(x);
	if (peer_fd >= 0)
		close(peer_fd);
	peer_fd = j->close_after ? -1 : j->fd;
	return x;
}

static struct exchange *accept_body(const char *body, size_t len, size_t step)
{
	struct buf b;
	struct job j;
	struct exchange *x;

	whole_request(&b, body, len);
	j = (struct job){.fd = dial(), .bytes = b.data, .len = b.len, .step = step};
	x = accept_from(&j);
	buf_done(&b);
	return x;
}

static void good(const struct exchange *x, const char *body, size_t len)
{
	assert_int_equal(x->request.method, METHOD_POST);
	assert_string_equal(x->request.path, "/api/sessions");
	assert_string_equal(x->request.query, "x=1");
	assert_string_equal(x->request.content_type, "application/json");
	assert_int_equal(x->fcgi_id, 1);
	assert_int_equal(x->request.body_len, len);
	assert_memory_equal(x->request.body, body, len);
	assert_int_equal(x->request.body[len], 0);
}

#endif
