/* outside/fetch: what it reads and whom it refuses, without a network; the rest is seen against real servers in tests/worker/outside.test.mjs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"
#include "base/clock.h"
#include "outside/fetch.h"

#define NOW INT64_C(1700000000000) /* Tue, 14 Nov 2023 22:13:20 GMT */

static void retry_after(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"0", 0},
		{"120", 120000},
		{" 7 \r\n", 7000},
		{"999999999999", FETCH_RETRY_AFTER_MOST_MS},
		{"Tue, 14 Nov 2023 22:14:20 GMT", 60000},
		{"Tuesday, 14-Nov-23 22:14:20 GMT", 60000},
		{"Tue Nov 14 22:14:20 2023", 60000},
		{"Tue, 14 Nov 2023 22:00:00 GMT", 0},
		{"Fri, 31 Dec 2100 23:59:59 GMT", FETCH_RETRY_AFTER_MOST_MS},
		{"", -1},
		{"-5", -1},
		{"1.5", -1},
		{"5 apples", -1},
		{"soon", -1},
		{"now: then", -1},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (fetch_retry_after_ms(rows[i].text, strlen(rows[i].text), NOW) != rows[i].ms)
			fail_msg("%s: %lld", rows[i].text, (long long)fetch_retry_after_ms(rows[i].text, strlen(rows[i].text), NOW));
}

static void refused(void **state)
{
	static const char *const urls[] = {"http://127.0.0.1:1/", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/",
		"https://user:pazz@127.0.0.1:1/", "127.0.0.1:1", "", "https://"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct fetch f = {.url = urls[i], .timeout_ms = 2000, .max_bytes = 10};
		struct answer a;
		if (fetch_run(&f, &a) != ERR_BAD_REQUEST || a.fault != FETCH_REFUSED || a.why[0] == '\0')
			fail_msg("%s: %d %s", urls[i], a.fault, a.why);
		assert_null(strstr(a.why, "pazz"));
		fetch_answer_done(&a);
	}
}

/* 192.0.2.0/24 is for documentation: were the connection tried, this would time out instead. */
static void plain_http_only_to_loopback(void **state)
{
	struct fetch f = {.url = "http://192.0.2.1/", .allow_http = true, .timeout_ms = 1000, .max_bytes = 10};
	struct answer a;

	(void)state;
	assert_int_equal(fetch_run(&f, &a), ERR_BAD_REQUEST);
	assert_int_equal(a.fault, FETCH_REFUSED);
	fetch_answer_done(&a);
}

static void nobody_listens(void **state)
{
	struct fetch f = {.url = "http://127.0.0.1:1/", .allow_http = true, .timeout_ms = 2000, .max_bytes = 10};
	struct answer a;

	(void)state;
	assert_int_equal(fetch_run(&f, &a), ERR_STORE_UNAVAILABLE);
	assert_int_equal(a.fault, FETCH_UNREACHABLE);
	assert_int_equal(a.status, 0);
	fetch_answer_done(&a);
}

/* ---- a server of few words ---- */

struct server {
	int fd, port;
	const char *says; /* NULL: nothing, ever */
	int connections;
	pthread_t thread;
};

static void *serve(void *ctx)
{
	struct server *s = ctx;
	char request[4096];

	for (int i = 0; i < s->connections; i++) {
		int fd = accept(s->fd, NULL, NULL);
		ssize_t n = recv(fd, request, sizeof request, 0);
		if (n > 0 && s->says)
			assert_int_equal(send(fd, s->says, strlen(s->says), MSG_NOSIGNAL), strlen(s->says));
		if (!s->says)
			while (recv(fd, request, sizeof request, 0) > 0) /* until the client gives up */
				;
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static enum err ask(struct answer *a, const char *says, size_t max_bytes)
{
	struct server s = {.says = says, .connections = 1};
	char url[64];
	struct fetch f = {.url = url, .allow_http = true, .timeout_ms = says ? 3000 : 200, .max_bytes = max_bytes};
	enum err e;

	server_start(&s);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", s.port);
	e = fetch_run(&f, a);
	server_stop(&s);
	return e;
}

static void answers(void **state)
{
	static const struct {
		const char *says;
		enum err err;
		enum fetch_fault fault;
		int status;
		int64_t retry_after_ms;
		const char *body;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", OK, FETCH_ANSWERED, 200, -1, "hi"},
		{"HTTP/1.1 503 No\r\nretry-After: 3\r\nContent-Length: 0\r\n\r\n", OK, FETCH_ANSWERED, 503, 3000, NULL},
		{"HTTP/1.1 503 No\r\nRetry-After: 3\r\nRetry-After: x\r\nContent-Length: 0\r\n\r\n", OK, FETCH_ANSWERED, 503, -1, NULL},
		{"HTTP/1.1 100 Go\r\nRetry-After: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", OK, FETCH_ANSWERED, 200, -1, NULL},
		{"HTTP/1.1 302 There\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", OK, FETCH_ANSWERED, 302, -1, NULL},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ERR_STORE_UNAVAILABLE, FETCH_CUT, 200, -1, "half"},
		{"HTTP/1.1 404 No\r\nContent-Length: 17\r\n\r\n0123456789abcdefg", ERR_STORE_UNAVAILABLE, FETCH_TOO_LONG, 404, -1, NULL},
		{"", ERR_STORE_UNAVAILABLE, FETCH_CUT, 0, -1, NULL},
		{"SSH-2.0-something\r\n", ERR_STORE_UNAVAILABLE, FETCH_CUT, 0, -1, NULL}, /* HTTP/0.9 is no answer */
		{NULL, ERR_STORE_UNAVAILABLE, FETCH_TIMEOUT, 0, -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a;
		enum err e = ask(&a, rows[i].says, 16);

		if (e != rows[i].err || a.fault != rows[i].fault || a.status != rows[i].status || a.retry_after_ms != rows[i].retry_after_ms)
			fail_msg("row %zu: %d fault %d status %d retry %lld (%s)", i, e, a.fault, a.status, (long long)a.retry_after_ms, a.why);
		if (rows[i].body)
			assert_string_equal(a.body.data, rows[i].body);
		fetch_answer_done(&a);
	}
}

static void header_flood(void **state)
{
	static char says[200000] = "HTTP/1.1 200 OK\r\n";
	struct answer a;
	size_t n = strlen(says);

	(void)state;
	while (n < 100000)
		n += (size_t)snprintf(says + n, sizeof says - n, "X-Pad: %0900d\r\n", 1);
	snprintf(says + n, sizeof says - n, "Content-Length: 0\r\n\r\n");
	assert_int_equal(ask(&a, says, 16), ERR_STORE_UNAVAILABLE);
	assert_int_equal(a.fault, FETCH_TOO_LONG);
	fetch_answer_done(&a);
}

static void several(void **state)
{
	struct server good = {.says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", .connections = 5},
				  silent = {.connections = 1};
	struct fetch_job jobs[8] = {0};
	struct fetch_pool *pool = fetch_pool_new(3);
	char good_url[64], silent_url[64];
	int64_t from;

	(void)state;
	server_start(&good);
	server_start(&silent);
	snprintf(good_url, sizeof good_url, "http://127.0.0.1:%d/", good.port);
	snprintf(silent_url, sizeof silent_url, "http://127.0.0.1:%d/", silent.port);
	for (size_t i = 0; i < 7; i++)
		jobs[i].fetch = (struct fetch){.url = i == 2 ? silent_url
				: i == 4                             ? "ftp://x/"
													 : good_url,
			.allow_http = true,
			.timeout_ms = 60000,
			.max_bytes = 16};
	from = clock_mono_ms();
	fetch_pool_run(pool, jobs, 7, from + 3000);
	assert_true(clock_mono_ms() - from < 20000);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(jobs[i].answer.fault, i == 2 ? FETCH_TIMEOUT : i == 4 ? FETCH_REFUSED : FETCH_ANSWERED);
		assert_int_equal(jobs[i].answer.status, i == 2 || i == 4 ? 0 : 200);
		fetch_answer_done(&jobs[i].answer);
	}
	fetch_pool_free(pool);
	server_stop(&good);
	server_stop(&silent);
}

static void not_begun(void **state)
{
	struct server silent = {.connections = 1};
	struct fetch_job jobs[2] = {0};
	struct fetch_pool *pool = fetch_pool_new(1);
	char url[64];

	(void)state;
	server_start(&silent);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/", silent.port);
	for (size_t i = 0; i < 2; i++)
		jobs[i].fetch = (struct fetch){.url = url, .allow_http = true, .timeout_ms = 60000, .max_bytes = 16};
	fetch_pool_run(pool, jobs, 2, clock_mono_ms() + 1000);
	assert_int_equal(jobs[0].answer.fault, FETCH_TIMEOUT);
	assert_int_equal(jobs[1].answer.fault, FETCH_UNREACHABLE); /* never sent */
	fetch_answer_done(&jobs[0].answer);
	fetch_answer_done(&jobs[1].answer);
	fetch_pool_free(pool);
	server_stop(&silent);
}

static enum err play(const struct fetch *f, struct answer *out)
{
	fetch_answer_init(out, f->max_bytes);
	out->status = 299;
	return OK;
}

static void seam(void **state)
{
	struct fetch_job job = {.fetch = {.url = "https://nowhere.invalid/", .max_bytes = 10}};
	struct fetch_pool *pool = fetch_pool_new(1);
	struct answer a;

	(void)state;
	fetch_seam = play;
	assert_int_equal(fetch_run(&job.fetch, &a), OK);
	assert_int_equal(a.status, 299);
	fetch_pool_run(pool, &job, 1, 0);
	assert_int_equal(job.answer.status, 299);
	fetch_seam = NULL;
	fetch_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retry_after),
		cmocka_unit_test(refused),
		cmocka_unit_test(plain_http_only_to_loopback),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(answers),
		cmocka_unit_test(header_flood),
		cmocka_unit_test(several),
		cmocka_unit_test(not_begun),
		cmocka_unit_test(seam),
	};

	fetch_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
