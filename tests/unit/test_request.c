/* http/request: FastCGI parameters as lighttpd makes them, good and bent. */
#include "unit.h"
#include "base/config.h"
#include "http/request.h"

static struct arena arena;

static struct request *read_params(const char *const params[])
{
	static struct request r;

	arena_done(&arena);
	arena_init(&arena);
	memset(&r, 0, sizeof r);
	r.arena = &arena;
	request_read(&r, (char *const *)(uintptr_t)params);
	return &r;
}

static struct request *with_uri(const char *uri)
{
	char param[9000];
	const char *params[] = {"REQUEST_METHOD=GET", param, NULL};

	snprintf(param, sizeof param, "REQUEST_URI=%s", uri);
	return read_params(params);
}

static struct request *with_header(const char *one, const char *two)
{
	const char *params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/", one, two, NULL};

	return read_params(params);
}

static void usual(void **state)
{
	const char *params[] = {"CONTENT_LENGTH=2", "REQUEST_METHOD=POST", "REQUEST_URI=/api/sessions?x=1", "HTTP_AUTHORIZATION=Bearer a.b.c",
		"HTTP_COOKIE=a=b", "HTTP_ORIGIN=https://a.example", "HTTP_SEC_FETCH_SITE=same-origin", "HTTP_HOST=h:1",
		"CONTENT_TYPE=application/json", "HTTP_CONTENT_ENCODING=gzip", "HTTP_LAST_EVENT_ID=3-x", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT",
		"REMOTE_ADDR=192.0.2.7", "HTTPS=on", "HTTP_X_FORWARDED_FOR=203.0.113.9", "NOVALUE", NULL};
	struct request *r = read_params(params);

	(void)state;
	assert_int_equal(r->method, METHOD_POST);
	assert_string_equal(r->path, "/api/sessions");
	assert_string_equal(r->query, "x=1");
	assert_string_equal(r->authorization, "Bearer a.b.c");
	assert_string_equal(r->cookie, "a=b");
	assert_string_equal(r->origin, "https://a.example");
	assert_string_equal(r->sec_fetch_site, "same-origin");
	assert_string_equal(r->host, "h:1");
	assert_string_equal(r->content_type, "application/json");
	assert_string_equal(r->content_encoding, "gzip");
	assert_string_equal(r->last_event_id, "3-x");
	assert_string_equal(r->access_method, "PUT");
	assert_string_equal(r->remote_addr, "192.0.2.7"); /* nobody made 192.0.2.7 a trusted proxy */
	assert_true(r->https);
	assert_false(r->malformed);
	assert_int_equal(strlen(r->id), 16);
	assert_string_equal(r->body, "");
}

static void nothing_at_all(void **state)
{
	const char *params[] = {NULL};
	struct request *r = read_params(params);

	(void)state;
	assert_int_equal(r->method, METHOD_OTHER);
	assert_string_equal(r->path, "");
	assert_string_equal(r->query, "");
	assert_null(r->authorization);
}

static void methods(void **state)
{
	static const struct {
		const char *param;
		enum method method;
	} rows[] = {{"REQUEST_METHOD=GET", METHOD_GET}, {"REQUEST_METHOD=HEAD", METHOD_HEAD}, {"REQUEST_METHOD=PATCH", METHOD_PATCH},
		{"REQUEST_METHOD=DELETE", METHOD_DELETE}, {"REQUEST_METHOD=OPTIONS", METHOD_OPTIONS}, {"REQUEST_METHOD=TRACE", METHOD_OTHER},
		{"REQUEST_METHOD=get", METHOD_OTHER}, {"REQUEST_METHOD=", METHOD_OTHER}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *params[] = {rows[i].param, NULL};
		assert_int_equal(read_params(params)->method, rows[i].method);
	}
}

static void paths(void **state)
{
	static const char *const rows[][2] = {
		{"/api/sessions", "/api/sessions"},
		{"/a%5fb%2Dc%7E", "/a_b-c~"},
		{"/%73ess", "/sess"},
		{"/%2e%2e/x", "/../x"},
		{"/a?b=%2f", "/a"},
		{"/a#b", "/a"},
		{"/a%2Fb", ""},
		{"/a%2fb", ""},
		{"/a%00b", ""},
		{"/a%", ""},
		{"/a%4", ""},
		{"/a%4?1", ""},
		{"/a%zz", ""},
		{"/a%20b", ""},
		{"/a%c0%af", ""},
		{"/a%25b", ""},
		{"/a%3F", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(with_uri(rows[i][0])->path, rows[i][1]);
	assert_string_equal(with_uri("/a?b?c=d#e")->query, "b?c=d#e");
}

static void doubled_and_folded(void **state)
{
	static const char *const bad[][2] = {
		{"HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=b"},
		{"HTTP_LAST_EVENT_ID=1", "HTTP_LAST_EVENT_ID=1"},
		{"CONTENT_TYPE=a", "CONTENT_TYPE=b"},
		{"HTTP_X_FORWARDED_FOR=a", "HTTP_X_FORWARDED_FOR=b"},
		{"HTTP_X_ODD=a\r\n b", NULL},
		{"HTTP_X_ODD=a   b", NULL},
		{"HTTP_AUTHORIZATION=Bearer   a", NULL},
		{"HTTP_X_ODD=a\x01", NULL},
		{"HTTP_X_ODD=a\x7f", NULL},
	};
	static const char *const good[][2] = {{"HTTP_X_ODD=a", "HTTP_X_ODD=b"}, {"HTTP_USER_AGENT=a   b", NULL}, {"HTTP_COOKIE=a=b    c", NULL},
		{"HTTP_X_ODD=a  b\tc", NULL}, {"HTTP_ACCEPT_LANGUAGE=\xc3\xa9", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (!with_header(bad[i][0], bad[i][1])->malformed)
			fail_msg("%s", bad[i][0]);
	for (size_t i = 0; i < COUNT(good); i++)
		if (with_header(good[i][0], good[i][1])->malformed)
			fail_msg("%s", good[i][0]);
}

static void proxies(void **state)
{
	const char *one[] = {
		"REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=198.51.100.1, 203.0.113.5 , 10.0.0.2", "HTTP_X_FORWARDED_PROTO=https", NULL};
	const char *strange[] = {"REMOTE_ADDR=10.0.0.3", "HTTP_X_FORWARDED_FOR=198.51.100.1", "HTTP_X_FORWARDED_PROTO=https", NULL};
	const char *all[] = {"REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=10.0.0.2,10.0.0.1", NULL};
	const char *empty[] = {"REMOTE_ADDR=10.0.0.1", "HTTP_X_FORWARDED_FOR=,, ,", NULL};
	struct request *r = read_params(one);

	(void)state;
	assert_string_equal(r->remote_addr, "203.0.113.5"); /* what is left of it anyone can invent */
	assert_true(r->https);
	r = read_params(strange);
	assert_string_equal(r->remote_addr, "10.0.0.3");
	assert_false(r->https);
	assert_string_equal(read_params(all)->remote_addr, "10.0.0.2");
	assert_string_equal(read_params(empty)->remote_addr, "10.0.0.1");
}

static void queries(void **state)
{
	struct request *r = with_uri("/?a=1&b=%C3%A9+x&c&d=&=e&bad=%zz&cut=%4&nul=%00&latin=%E9&twice=1&twice=1&&last=z");
	const char *value = "";

	(void)state;
	assert_int_equal(request_query(r, "a", &value), OK);
	assert_string_equal(value, "1");
	assert_int_equal(request_query(r, "b", &value), OK);
	assert_string_equal(value, "\xc3\xa9 x");
	assert_int_equal(request_query(r, "c", &value), OK);
	assert_string_equal(value, "");
	assert_int_equal(request_query(r, "d", &value), OK);
	assert_string_equal(value, "");
	assert_int_equal(request_query(r, "last", &value), OK);
	assert_string_equal(value, "z");
	assert_int_equal(request_query(r, "las", &value), OK);
	assert_null(value);
	assert_int_equal(request_query(r, "bad", &value), ERR_BAD_REQUEST);
	assert_int_equal(request_query(r, "cut", &value), ERR_BAD_REQUEST);
	assert_int_equal(request_query(r, "nul", &value), ERR_BAD_REQUEST);
	assert_int_equal(request_query(r, "latin", &value), ERR_BAD_REQUEST);
	assert_int_equal(request_query(r, "twice", &value), ERR_BAD_REQUEST);
}

static void numbers(void **state)
{
	struct request *r = with_uri("/?a=50&zero=0&most=200&over=201&neg=-1&plus=%2B1&x=1x&blank=&long=99999999999999999999&hex=0x1&space=+1");
	static const char *const bad[] = {"zero", "over", "neg", "plus", "x", "blank", "long", "hex", "space"};
	long n = 0;

	(void)state;
	assert_int_equal(request_query_int(r, "a", 1, 200, 7, &n), OK);
	assert_int_equal(n, 50);
	assert_int_equal(request_query_int(r, "most", 1, 200, 7, &n), OK);
	assert_int_equal(n, 200);
	assert_int_equal(request_query_int(r, "absent", 1, 200, 7, &n), OK);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (request_query_int(r, bad[i], 1, 200, 7, &n) != ERR_BAD_REQUEST)
			fail_msg("%s", bad[i]);
}

static void tickets_in_queries(void **state)
{
	static const char *const found[] = {"/?t=eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.c2ln", "/?a=1&access_token=eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.",
		"/?t=%65yJhbGciOiJIUzI1NiJ9%2EeyJpc3Mi.x", "/?eyJh=1&x=eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.x&",
		"/?t=Bearer+eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.x", "/?t=bearer%20eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.x"};
	static const char *const fine[] = {"/", "/?after=17-9f3a2c1b5d7e&limit=50", "/?stream_ticket=0123456789abcdef0123456789abcdef",
		"/?t=eyJhbGciOiJIUzI1NiJ9xxxxxxxxxxxxx", "/?t=eyJ"};

	(void)state;
	for (size_t i = 0; i < COUNT(found); i++)
		if (!request_query_has_jwt(with_uri(found[i])))
			fail_msg("%s", found[i]);
	for (size_t i = 0; i < COUNT(fine); i++)
		if (request_query_has_jwt(with_uri(fine[i])))
			fail_msg("%s", fine[i]);
}

static bool gather(void *ctx, const char *name, size_t name_len, const char *value, size_t value_len)
{
	char *out = ctx;

	sprintf(out + strlen(out), "<%.*s|%.*s>", (int)name_len, name, (int)value_len, value);
	return name_len != 4; /* "stop" */
}

static void cookies(void **state)
{
	static const char *const rows[][2] = {
		{"HTTP_COOKIE=a=b", "<a|b>"},
		{"HTTP_COOKIE=a=b; c=d=e;f", "<a|b><c|d=e>"},
		{"HTTP_COOKIE= ;; a= ; =b;c=\"d\" ", "<a|><|b><c|\"d\">"},
		{"HTTP_COOKIE=", ""},
		{"HTTP_COOKIE=stop=1; b=2", "<stop|1>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[200] = "";
		request_cookies(with_header(rows[i][0], NULL), gather, out);
		assert_string_equal(out, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(methods),
		cmocka_unit_test(paths),
		cmocka_unit_test(doubled_and_folded),
		cmocka_unit_test(proxies),
		cmocka_unit_test(queries),
		cmocka_unit_test(numbers),
		cmocka_unit_test(tickets_in_queries),
		cmocka_unit_test(cookies),
	};
	int failed;

	setenv("ROOM_TRUSTED_PROXIES", "10.0.0.1,10.0.0.2", 1);
	setenv("ROOM_JWT_SECRET", "a secret of thirty-two bytes ok!", 1);
	if (config_load() != 0)
		return 1;
	failed = cmocka_run_group_tests_name("request", tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
