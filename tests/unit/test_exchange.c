/* http/exchange with the real libfcgi: requests that come in odd pieces, broken ones, bodies and replies of every size, peers that read late or go away. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "lighttpd.h"
#include "base/clock.h"

/* ---- tests ---- */

static void usual(void **state)
{
	struct exchange *x = accept_body("{\"a\":1}", 7, 0);
	char id[17];
	const char *reply;

	(void)state;
	good(x, "{\"a\":1}", 7);
	strcpy(id, x->request.id);
	exchange_header(x, "X-More", "yes");
	exchange_reply(x, 201, "application/json", "{}", 2);
	reply = peer_reply(NULL);
	assert_int_equal(peer_status(reply), 201);
	assert_string_equal(peer_header(reply, "X-Request-Id"), id);
	assert_string_equal(peer_header(reply, "Content-Type"), "application/json");
	assert_string_equal(peer_header(reply, "Cache-Control"), "no-store");
	assert_string_equal(peer_header(reply, "X-Content-Type-Options"), "nosniff");
	assert_string_equal(peer_header(reply, "X-More"), "yes");
	assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n{}");
}

static size_t least_piece = 1; /* accepted ahead: a socket holds some 270 pieces that nobody has read, however small */

static void in_pieces(void **state)
{
	struct buf b;

	(void)state;
	whole_request(&b, "{\"a\":1}", 7);
	for (size_t step = least_piece; step < b.len; step += step < 20 ? 1 : 7) {
		struct job j = {.fd = dial(), .bytes = b.data, .len = b.len, .step = step};
		struct exchange *x = accept_from(&j);
		good(x, "{\"a\":1}", 7);
		exchange_empty(x, 204);
		assert_int_equal(peer_status(peer_reply(NULL)), 204);
	}
	buf_done(&b);
}

static void bodies(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8191, 8192, 8193, 16384, 40000, 65535, 65536};
	static char body[300000];

	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct exchange *x = accept_body(body, sizes[i], 0);
		good(x, body, sizes[i]);
		assert_false(x->request.too_large);
		exchange_empty(x, 204);
		assert_int_equal(peer_status(peer_reply(NULL)), 204);
	}
	for (size_t len = 65537; len < sizeof body; len += 117231) {
		struct exchange *x = accept_body(body, len, 0);
		assert_true(x->request.too_large);
		exchange_error(x, ERR_TOO_LARGE, NULL, 0);
		assert_int_equal(peer_status(peer_reply(NULL)), 413);
	}
}

static void replies(void **state)
{
	static const size_t sizes[] = {0, 1, 65000, 65300, 65400, 65535, 65536, 70000, 131072, 200000};
	static char body[200000];

	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t len;
		const char *reply;
		exchange_reply(accept_body("", 0, 0), 200, "application/json", body, sizes[i]);
		reply = peer_reply(&len);
		assert_true(len > sizes[i] + 4);
		assert_memory_equal(reply + len - sizes[i] - 4, "\r\n\r\n", 4);
		assert_memory_equal(reply + len - sizes[i], body, sizes[i]);
	}
}

/* A reply larger than the socket's buffer, and nobody reads yet: answering takes no time, and all of it arrives. */
static void late_reader(void **state)
{
	static char body[1500000];
	struct exchange *x = accept_body("", 0, 0);
	int64_t start = clock_mono_ms();
	size_t len;
	const char *reply;

	(void)state;
	memset(body, 'x', sizeof body);
	exchange_reply(x, 200, "application/json", body, sizeof body);
	assert_true(clock_mono_ms() - start < 2000);
	reply = peer_reply(&len);
	assert_int_equal(peer_status(reply), 200);
	assert_memory_equal(reply + len - sizeof body, body, sizeof body);
	exchange_drain(3000);
}

/* And one that never reads is given up. */
static void no_reader(void **state)
{
	static char body[1500000];
	struct exchange *x = accept_body("", 0, 0);
	char piece[65536];
	size_t got = 0;
	ssize_t n;

	(void)state;
	exchange_reply(x, 200, "application/json", body, sizeof body);
	exchange_drain(4000); /* over when the tail was dropped after 2 s */
	while ((n = read(peer_fd, piece, sizeof piece)) > 0)
		got += (size_t)n;
	assert_true(got > 0 && got < sizeof body);
}

static void head_has_no_body(void **state)
{
	struct exchange *x = accept_body("", 0, 0);
	size_t len;
	const char *reply;

	(void)state;
	x->request.method = METHOD_HEAD;
	exchange_reply(x, 200, "application/json", "{}", 2);
	reply = peer_reply(&len);
	assert_memory_equal(reply + len - 4, "\r\n\r\n", 4);
}

static void errors(void **state)
{
	const char *reply;

	(void)state;
	exchange_error(accept_body("", 0, 0), ERR_RATE_LIMITED, "say \"less\"\n", 12);
	reply = peer_reply(NULL);
	assert_int_equal(peer_status(reply), 429);
	assert_string_equal(peer_header(reply, "Retry-After"), "12");
	assert_non_null(strstr(reply, "{\"error\":{\"code\":\"RATE_LIMITED\",\"message\":\""));
	assert_non_null(strstr(reply, "\",\"details\":\"say \\\"less\\\"\\n\",\"retry_after\":12}}"));
	exchange_error(accept_body("", 0, 0), ERR_UNAUTHENTICATED, NULL, 0);
	reply = peer_reply(NULL);
	assert_int_equal(peer_status(reply), 401);
	assert_string_equal(peer_header(reply, "WWW-Authenticate"), "Bearer");
	for (int e = ERR_BAD_REQUEST; e < ERR_COUNT_; e++) {
		exchange_error(accept_body("", 0, 0), (enum err)e, NULL, 0);
		assert_int_equal(peer_status(peer_reply(NULL)), err_row((enum err)e)->status);
	}
}

/* What is no request is dropped, and the next one is served: each broken connection is followed by a good one. */
static void broken(void **state)
{
	struct buf rows[14], good_one;
	static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, past[] = {0x20, 0x10, 'x'};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		buf_init(&rows[i], 100000);
	buf_str(&rows[n++], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	buf_str(&rows[n++], "x");
	n++;                                                                         /* nothing at all */
	begin(&rows[n++], 1, 1);                                                     /* and then the end */
	begin(&rows[n], 1, 0), params(&rows[n++], 0);                                /* request id 0 */
	begin(&rows[n], 2, 1), params(&rows[n], 1), record(&rows[n++], 5, 1, "", 0); /* authorizer */
	begin(&rows[n], 3, 1), params(&rows[n], 1), record(&rows[n++], 5, 1, "", 0); /* filter */
	begin(&rows[n], 9, 1), params(&rows[n++], 1);
	begin(&rows[n], 1, 1), record(&rows[n], 4, 1, huge, sizeof huge), record(&rows[n++], 4, 1, "", 0);
	begin(&rows[n], 1, 1), record(&rows[n], 4, 1, past, sizeof past), record(&rows[n++], 4, 1, "", 0);
	begin(&rows[n], 1, 1), params(&rows[n], 1), record(&rows[n], 5, 1, "half", 4), record(&rows[n++], 2, 1, "", 0); /* abort */
	begin(&rows[n], 1, 1), params(&rows[n], 1), record(&rows[n++], 5, 1, "half", 4); /* the body never ends */
	whole_request(&good_one, "{}", 2);
	buf_add(&rows[n], good_one.data, good_one.len), rows[n].data[0] = 7, n++; /* version 7 */
	buf_add(&rows[n++], good_one.data, good_one.len - 9);
	for (size_t i = 0; i < n; i++) {
		struct job j = {.fd = dial(), .bytes = rows[i].data, .len = rows[i].len, .close_after = true};
		struct exchange *x;
		write_job(&j);
		x = accept_body("{}", 2, 0);
		good(x, "{}", 2);
		exchange_empty(x, 204);
		assert_int_equal(peer_status(peer_reply(NULL)), 204);
		buf_done(&rows[i]);
	}
	buf_done(&good_one);
}

/* A peer that connects and says nothing holds an accepting thread for two seconds, no longer; none at all when they are accepted ahead. */
static void stalled(void **state)
{
	int silent = dial();
	int64_t start = clock_mono_ms();
	struct exchange *x = accept_body("{}", 2, 0);

	(void)state;
	good(x, "{}", 2);
	assert_true(clock_mono_ms() - start < 4000);
	exchange_empty(x, 204);
	assert_int_equal(peer_status(peer_reply(NULL)), 204);
	close(silent);
}

static void peer_gone(void **state)
{
	static char body[300000];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct buf b;
		struct exchange *x;
		whole_request(&b, "{}", 2);
		struct job j = {.fd = dial(), .bytes = b.data, .len = b.len, .close_after = true};
		x = accept_from(&j);
		exchange_reply(x, 200, "application/json", body, sizeof body);
		buf_done(&b);
	}
	exchange_drain(3000);
}

static void streams(void **state)
{
	struct exchange *x = accept_body("{}", 2, 0);
	char id[17], big[70000];
	struct buf out;
	size_t len;
	const char *reply;

	(void)state;
	memset(big, 'y', sizeof big);
	strcpy(id, x->request.id);
	exchange_header(x, "Access-Control-Allow-Origin", "https://app.example");
	buf_init(&out, 1 << 20);
	exchange_shed(x); /* what the gate allowed is still said */
	exchange_stream_begin(x, "text/event-stream", &out);
	assert_null(x->headers.data);
	assert_null(x->request.authorization);
	assert_string_equal(x->request.id, id);
	assert_true(fcntl(x->fd, F_GETFL) & O_NONBLOCK);
	exchange_stream_wrap(&out, x->fcgi_id, "", 0); /* would end the stream: nothing */
	exchange_stream_wrap(&out, x->fcgi_id, "data: 1\n\n", 9);
	exchange_stream_wrap(&out, x->fcgi_id, big, sizeof big);
	exchange_stream_end(&out, x->fcgi_id);
	assert_int_equal(send(x->fd, out.data, out.len, 0), out.len);
	exchange_free(x);
	reply = peer_reply(&len);
	assert_int_equal(peer_status(reply), 200);
	assert_string_equal(peer_header(reply, "Content-Type"), "text/event-stream");
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Origin"), "https://app.example");
	assert_memory_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\ndata: 1\n\ny", 14);
	assert_memory_equal(reply + len - sizeof big, big, sizeof big);
	buf_done(&out);
}

/* What does not fit leaves nothing behind: half a record would swallow the closing ones. */
static void stream_full(void **state)
{
	char big[2000] = {0};
	struct buf out;
	size_t len;

	(void)state;
	buf_init(&out, 1500);
	exchange_stream_wrap(&out, 1, big, 1000);
	assert_true(buf_ok(&out));
	len = out.len;
	exchange_stream_wrap(&out, 1, big, 1000);
	assert_false(buf_ok(&out));
	assert_int_equal(out.len, len);
	buf_done(&out);
}

static void *shut_down(void *unused)
{
	(void)unused;
	exchange_shutdown();
	return NULL;
}

/* The last test: afterwards nothing is accepted any more. */
/* Accepted ahead: those that have sent a part of a request, or nothing, hold up nobody, whatever part it is; they are let go after a while. */
static void half_sent(void **state)
{
	enum { HALVES = 60 };
	struct pollfd halves[HALVES];
	int64_t start = clock_mono_ms();
	struct buf b;

	(void)state;
	whole_request(&b, "{}", 2);
	for (size_t i = 0; i < HALVES; i++) {
		size_t len = i * (b.len - 1) / (HALVES - 1); /* from nothing to all but the last byte */
		halves[i] = (struct pollfd){.fd = dial(), .events = POLLIN};
		assert_int_equal(write(halves[i].fd, b.data, len), len);
	}
	for (int i = 0; i < 5; i++) {
		struct exchange *x = accept_body("{}", 2, 0);
		good(x, "{}", 2);
		exchange_empty(x, 204);
		assert_int_equal(peer_status(peer_reply(NULL)), 204);
	}
	assert_true(clock_mono_ms() - start < 1900);
	for (size_t i = 0; i < HALVES; i++) {
		assert_int_equal(poll(&halves[i], 1, 6000), 1);
		assert_true(halves[i].revents & POLLHUP);
		close(halves[i].fd);
	}
	buf_done(&b);
}

/* The rest came in time: it is a request like any other, also when nothing new is accepted any more. */
static void half_sent_at_the_end(void **state)
{
	struct job j = {.fd = dial(), .step = 0};
	struct exchange *x;
	struct buf b;

	(void)state;
	whole_request(&b, "{}", 2);
	assert_int_equal(write(j.fd, b.data, 20), 20);
	exchange_shutdown();
	usleep(600 * 1000); /* longer than an accept waits before it looks */
	j.bytes = b.data + 20;
	j.len = b.len - 20;
	x = accept_from(&j);
	good(x, "{}", 2);
	exchange_empty(x, 204);
	assert_int_equal(peer_status(peer_reply(NULL)), 204);
	assert_null(exchange_accept());
	buf_done(&b);
}

static void ends(void **state)
{
	pthread_t thread;
	int64_t start = clock_mono_ms();

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, shut_down, NULL), 0);
	assert_null(exchange_accept());
	assert_true(clock_mono_ms() - start < 2000);
	pthread_join(thread, NULL);
	start = clock_mono_ms();
	exchange_drain(6000);
	assert_true(clock_mono_ms() - start < 2000); /* nothing is open: no exchange was forgotten */
}

static void on_term(int signo)
{
	(void)signo;
}

static void signals_stay_ours(void **state)
{
	struct sigaction now;

	(void)state;
	sigaction(SIGTERM, NULL, &now);
	assert_ptr_equal(now.sa_handler, on_term);
	sigaction(SIGPIPE, NULL, &now);
	assert_ptr_equal(now.sa_handler, SIG_IGN);
	sigaction(SIGUSR1, NULL, &now);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual),
		cmocka_unit_test(in_pieces),
		cmocka_unit_test(bodies),
		cmocka_unit_test(replies),
		cmocka_unit_test(late_reader),
		cmocka_unit_test(no_reader),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(errors),
		cmocka_unit_test(broken),
		cmocka_unit_test(stalled),
		cmocka_unit_test(peer_gone),
		cmocka_unit_test(streams),
		cmocka_unit_test(stream_full),
		cmocka_unit_test(signals_stay_ours),
	};
	const struct CMUnitTest last[] = {
		cmocka_unit_test(half_sent),
		cmocka_unit_test(half_sent_at_the_end),
		cmocka_unit_test(ends),
	};
	char dir[] = "/tmp/exchange.XXXXXX";
	struct sigaction term = {.sa_handler = on_term};
	int fd, failed;

	if (exchange_setup() == OK || !mkdtemp(dir)) /* descriptor 0 is not a listening socket yet */
		return 1;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0 || dup2(fd, 0) != 0)
		return 1;
	close(fd);
	sigaction(SIGTERM, &term, NULL);
	if (exchange_setup() != OK)
		return 1;
	failed = cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
	exchange_accept_ahead();
	least_piece = 5;
	failed += cmocka_run_group_tests_name("exchange, accepted ahead", tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("exchange, accepted ahead, and the end", last, NULL, NULL);
	peer_done();
	unlink(address.sun_path);
	rmdir(dir);
	return failed;
}
