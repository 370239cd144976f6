/* http/router: which row a path finds, what a wrong method is told, CORS. */
#include "peer.h"
#include "base/config.h"
#include "http/router.h"

static int handled;
static const char *last;
static char first[128], second[128];

static void handler(struct exchange *x)
{
	handled++;
	snprintf(first, sizeof first, "%s", x->request.params[0] ? x->request.params[0] : "");
	snprintf(second, sizeof second, "%s", x->request.params[1] ? x->request.params[1] : "");
	exchange_empty(x, 204);
}

static const struct route rows[] = {
	{METHOD_POST, "/api/sessions", WHO_SERVICE, 0, handler},
	{METHOD_GET, "/api/sessions/{id}", WHO_SERVICE, 0, handler},
	{METHOD_DELETE, "/api/sessions/{id}", WHO_SERVICE, 0, handler},
	{METHOD_POST, "/api/sessions/{id}/end", WHO_SERVICE, 0, handler},
	{METHOD_PATCH, "/api/conversations/{id}/messages/{mid}", WHO_PARTICIPANT, 0, handler},
};

static int run(const char *method, const char *uri, const char *header, const char *more)
{
	char m[64], u[512];
	const char *params[] = {m, u, header ? header : more, header ? more : NULL, NULL};

	snprintf(m, sizeof m, "REQUEST_METHOD=%s", method);
	snprintf(u, sizeof u, "REQUEST_URI=%s", uri);
	handled = 0;
	router_run(rows, COUNT(rows), peer_exchange(params), NULL);
	last = peer_reply(NULL);
	return peer_status(last);
}

static void found(void **state)
{
	(void)state;
	assert_int_equal(run("POST", "/api/sessions", NULL, NULL), 204);
	assert_int_equal(run("GET", "/api/sessions/sess_1-x", NULL, NULL), 204);
	assert_string_equal(first, "sess_1-x");
	assert_int_equal(run("HEAD", "/api/sessions/a?x=1", NULL, NULL), 204);
	assert_int_equal(run("DELETE", "/api/sessions/end", NULL, NULL), 204);
	assert_string_equal(first, "end");
	assert_int_equal(run("POST", "/api/sessions/end/end", NULL, NULL), 204);
	assert_int_equal(run("PATCH", "/api/conversations/c/messages/17", NULL, NULL), 204);
	assert_string_equal(first, "c");
	assert_string_equal(second, "17");
	assert_int_equal(handled, 1);
}

static void not_found(void **state)
{
	static const char *const paths[] = {"/", "", "/api", "/api/", "/api/sessions/", "/api/session", "/api/sessionsx", "/api/sessions/a/",
		"/api/sessions/a/en", "/api/sessions/a/end/", "/api/sessions/a/endx", "//api/sessions", "/api//sessions", "/api/sessions//end",
		"/api/sessions/./end", "/api/sessions/../end", "/api/sessions/a.b", "/api/sessions/a%2Fend", "/api/sessions/a%20b", "/API/sessions",
		"/api/sessions/{id}", "/api/sessions/0123456789012345678901234567890123456789012345678901234567890123x", "/api/sessions/a;b", "*",
		"api/sessions"};
	static const char *const methods[] = {"GET", "POST", "DELETE", "OPTIONS", "FROB"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++)
		for (size_t m = 0; m < COUNT(methods); m++)
			if (run(methods[m], paths[i], NULL, NULL) != 404 || handled)
				fail_msg("%s %s", methods[m], paths[i]);
}

static void wrong_method(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "TRACE", "FROB"};

	(void)state;
	for (size_t m = 0; m < COUNT(methods); m++) {
		assert_int_equal(run(methods[m], "/api/sessions/a", NULL, NULL), 405);
		assert_string_equal(peer_header(last, "Allow"), "GET, HEAD, DELETE, OPTIONS");
		assert_int_equal(handled, 0);
	}
}

static void found_by_hand(void **state)
{
	const char *params[] = {"REQUEST_METHOD=PUT", "REQUEST_URI=/api/sessions/a", NULL};
	const char *allow;
	struct exchange *x = peer_exchange(params);

	(void)state;
	assert_null(router_find(rows, COUNT(rows), x, &allow));
	assert_string_equal(allow, "GET, HEAD, DELETE, OPTIONS");
	x->request.method = METHOD_HEAD;
	assert_ptr_equal(router_find(rows, COUNT(rows), x, &allow), &rows[1]);
	x->request.path = "/api/nowhere";
	assert_null(router_find(rows, COUNT(rows), x, &allow));
	assert_string_equal(allow, "");
	exchange_free(x);
}

static const char *preflight(const char *uri, const char *origin, const char *method)
{
	char o[200], m[100], u[200];
	const char *params[] = {"REQUEST_METHOD=OPTIONS", u, "HTTP_HOST=chat.example", o, method ? m : NULL, NULL};

	snprintf(u, sizeof u, "REQUEST_URI=%s", uri);
	snprintf(o, sizeof o, "HTTP_ORIGIN=%s", origin);
	snprintf(m, sizeof m, "HTTP_ACCESS_CONTROL_REQUEST_METHOD=%s", method ? method : "");
	router_run(rows, COUNT(rows), peer_exchange(params), NULL);
	return peer_reply(NULL);
}

static void preflights(void **state)
{
	static const char *const foreign[] = {"https://evil.example", "null", "", "https://app.example.evil.example", "https://app.exampl",
		"http://app.example", "https://app.example:444", "https://app.example/", "HTTPS://APP.EXAMPLE",
		"https://app.example,https://b.example", "https://chat.example", "*"};
	const char *reply = preflight("/api/sessions/a", "https://app.example", "DELETE");

	(void)state;
	assert_int_equal(peer_status(reply), 204);
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Origin"), "https://app.example");
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Credentials"), "true");
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Methods"), "GET, HEAD, DELETE");
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Headers"), "Authorization, Content-Type, Last-Event-ID");
	assert_string_equal(peer_header(reply, "Vary"), "Origin");
	assert_string_not_equal(peer_header(reply, "Access-Control-Max-Age"), "");
	assert_int_equal(peer_status(preflight("/api/nowhere", "https://app.example", "GET")), 404);
	assert_int_equal(peer_status(preflight("/api/sessions", "http://chat.example", "POST")), 204); /* our own page: no leave needed */
	for (size_t i = 0; i < COUNT(foreign); i++) {
		reply = preflight("/api/sessions/a", foreign[i], "DELETE");
		if (peer_status(reply) != 403 || *peer_header(reply, "Access-Control-Allow-Origin") ||
			*peer_header(reply, "Access-Control-Allow-Methods"))
			fail_msg("%s: %s", foreign[i], reply);
		assert_string_equal(peer_header(reply, "Vary"), "Origin");
	}
	reply = preflight("/api/sessions/a", "https://evil.example", NULL);
	assert_int_equal(peer_status(reply), 204);
	assert_string_equal(peer_header(reply, "Allow"), "GET, HEAD, DELETE, OPTIONS");
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Origin"), "");
}

static void origins(void **state)
{
	const char *listed[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/api/sessions/a", "HTTP_ORIGIN=https://b.example", NULL};
	const char *foreign[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/api/sessions/a", "HTTP_ORIGIN=https://evil.example", NULL};
	const char *reply;

	(void)state;
	router_run(rows, COUNT(rows), peer_exchange(listed), NULL);
	reply = peer_reply(NULL);
	assert_int_equal(peer_status(reply), 204);
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Origin"), "https://b.example");
	router_run(rows, COUNT(rows), peer_exchange(foreign), NULL);
	reply = peer_reply(NULL);
	assert_int_equal(peer_status(reply), 204); /* bearers need no origin; who lacks one is refused elsewhere */
	assert_string_equal(peer_header(reply, "Access-Control-Allow-Origin"), "");
	assert_string_equal(peer_header(reply, "Vary"), "Origin");
}

static void malformed(void **state)
{
	(void)state;
	assert_int_equal(run("GET", "/api/sessions/a", "HTTP_AUTHORIZATION=a", "HTTP_AUTHORIZATION=b"), 400);
	assert_int_equal(run("GET", "/api/sessions/a", "HTTP_X_ODD=a\r\n b", NULL), 400);
	assert_int_equal(handled, 0);
}

static void too_large(void **state)
{
	const char *params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/api/sessions", NULL};
	struct exchange *x = peer_exchange(params);

	(void)state;
	handled = 0;
	x->request.too_large = true;
	router_run(rows, COUNT(rows), x, NULL);
	assert_int_equal(peer_status(peer_reply(NULL)), 413);
	assert_int_equal(handled, 0);
}

static const struct route *guarded_with;

static void guard(struct exchange *x, const struct route *route)
{
	guarded_with = route;
	exchange_empty(x, 200);
}

static void guarded(void **state)
{
	const char *params[] = {"REQUEST_METHOD=DELETE", "REQUEST_URI=/api/sessions/a", NULL};

	(void)state;
	handled = 0;
	router_run(rows, COUNT(rows), peer_exchange(params), guard);
	assert_ptr_equal(guarded_with, &rows[2]);
	assert_int_equal(handled, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(not_found),
		cmocka_unit_test(wrong_method),
		cmocka_unit_test(found_by_hand),
		cmocka_unit_test(preflights),
		cmocka_unit_test(origins),
		cmocka_unit_test(malformed),
		cmocka_unit_test(too_large),
		cmocka_unit_test(guarded),
	};
	int failed;

	setenv("ROOM_ORIGINS", "https://app.example,null,https://b.example", 1);
	setenv("ROOM_JWT_SECRET", "a secret of thirty-two bytes ok!", 1);
	if (config_load() != 0)
		return 1;
	failed = cmocka_run_group_tests_name("router", tests, NULL, NULL);
	peer_done();
	return failed;
}
