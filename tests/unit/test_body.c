/* http/body: which bodies are taken, and what the getters make of their members. */
#include "unit.h"
#include "http/body.h"

static struct arena arena;
static struct request request;

static struct body *open_as(const char *type, const char *encoding, const char *text, size_t len, bool required)
{
	static struct body b;

	body_close(&b);
	arena_done(&arena);
	request = (struct request){.arena = &arena, .content_type = type, .content_encoding = encoding, .body = text, .body_len = len};
	body_open(&b, &request, required);
	return &b;
}

static struct body *json(const char *text)
{
	return open_as("application/json", NULL, text, strlen(text), true);
}

static void types(void **state)
{
	static const char *const good[] = {"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8",
		"Application/JSON", "application/json ; x"};
	static const char *const bad[] = {"", "text/plain", "application/jsonp", "application/json, text/plain", "application", "text/json",
		"multipart/form-data; boundary=application/json", NULL};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(open_as(good[i], NULL, "{}", 2, true)->error, OK);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(open_as(bad[i], NULL, "{}", 2, true)->error, ERR_UNSUPPORTED_TYPE);
	assert_int_equal(open_as("application/json", "identity", "{}", 2, true)->error, OK);
	assert_int_equal(open_as("application/json", "gzip", "{}", 2, true)->error, ERR_UNSUPPORTED_TYPE);
	assert_int_equal(open_as(NULL, NULL, "", 0, false)->error, OK);
	assert_int_equal(open_as(NULL, NULL, "", 0, true)->error, ERR_UNSUPPORTED_TYPE);
	assert_int_equal(open_as("application/json", NULL, "", 0, true)->error, ERR_BAD_JSON);
	assert_int_equal(open_as("text/plain", NULL, "{}", 2, false)->error, ERR_UNSUPPORTED_TYPE);
}

static void not_json(void **state)
{
	static const char *const bad[] = {"{", "[]", "1", "null", "\"x\"", "{}{}", "{} x", "{\"a\":1,\"a\":2}", "\xef\xbb\xbf{}",
		"{\"a\":\"\xff\"}", "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00x\"}", "{\"a\":NaN}", "{\"a\":1e999}",
		"{\"a\":01}", "{'a':1}", "{\"a\":1,}", "{\"a\":\"\n\"}", "{\"a\":99999999999999999999}", "   ",
		"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (json(bad[i])->error != ERR_BAD_JSON)
			fail_msg("%s", bad[i]);
	assert_int_equal(json("{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}")->error, OK); /* 16 deep */
	assert_int_equal(json(" {\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"} \r\n")->error, OK);
}

static void ids(void **state)
{
	static const char *const bad[] = {"{\"x\":\"\"}", "{\"x\":\"a b\"}", "{\"x\":5}", "{\"x\":[]}", "{\"x\":true}", "{\"x\":\"\xc3\xa9\"}",
		"{\"x\":\"../x\"}", "{\"x\":\"01234567890123456789012345678901234567890123456789012345678901234\"}"};
	struct body *b = json("{\"x\":\"sess_1-A\",\"n\":null}");

	(void)state;
	assert_string_equal(body_id(b, "x", true), "sess_1-A");
	assert_null(body_id(b, "y", false));
	assert_null(body_id(b, "n", false));
	assert_int_equal(b->error, OK);
	assert_null(body_id(b, "n", true));
	assert_int_equal(b->error, ERR_BAD_REQUEST);
	assert_string_equal(b->details, "n is needed.");
	for (size_t i = 0; i < COUNT(bad); i++) {
		b = json(bad[i]);
		assert_null(body_id(b, "x", false));
		assert_int_equal(b->error, ERR_BAD_REQUEST);
	}
}

static void contents(void **state)
{
	static const char *const bad[] = {"{}", "{\"c\":null}", "{\"c\":1}", "{\"c\":\"\"}", "{\"c\":\" \\r\\n\\t\"}",
		"{\"c\":\"\xe2\x80\x8b\"}", "{\"c\":\"123456789\"}", "{\"c\":[]}", "{\"c\":\"a\\u0000\"}"};
	size_t len;
	struct body *b = json("{\"c\":\"\\r\xe2\x80\xa8x\"}");

	(void)state;
	assert_string_equal(body_content(b, "c", 8, &len), "\r\xe2\x80\xa8x");
	assert_int_equal(len, 5);
	for (size_t i = 0; i < COUNT(bad); i++) {
		b = json(bad[i]);
		body_content(b, "c", 8, &len);
		if (b->error != ERR_BAD_CONTENT)
			fail_msg("%s", bad[i]);
	}
	b = json("{\"c\":\"12345678\"}");
	assert_non_null(body_content(b, "c", 8, &len));
}

static void the_first_mistake_sticks(void **state)
{
	struct body *b = json("{\"a\":1,\"c\":5,\"f\":\"x\"}");
	size_t len;

	(void)state;
	assert_null(body_id(b, "a", false));
	assert_null(body_content(b, "c", 8, &len));
	assert_false(body_flag(b, "f", true));
	assert_int_equal(b->error, ERR_BAD_REQUEST);
	assert_memory_equal(b->details, "a must", 6);
	b = json("nonsense");
	assert_null(body_id(b, "a", true));
	assert_null(body_member(b, "a"));
	assert_int_equal(b->error, ERR_BAD_JSON);
}

static void numbers(void **state)
{
	static const char *const bad[] = {
		"{\"n\":0}", "{\"n\":-1}", "{\"n\":1.5}", "{\"n\":1.0}", "{\"n\":\"1\"}", "{\"n\":true}", "{\"n\":9007199254740993}", "{\"n\":{}}"};
	struct body *b = json("{\"n\":7}");

	(void)state;
	assert_int_equal(body_integer(b, "n", 1, 10, 0), 7);
	assert_int_equal(body_integer(b, "absent", 1, 10, 3), 3);
	assert_int_equal(b->error, OK);
	for (size_t i = 0; i < COUNT(bad); i++) {
		b = json(bad[i]);
		body_integer(b, "n", 1, INT64_C(1) << 53, 0);
		if (b->error != ERR_BAD_REQUEST)
			fail_msg("%s", bad[i]);
	}
}

static void words_flags_objects(void **state)
{
	static const char *const words[] = {"allowed", "off", NULL};
	struct body *b = json("{\"w\":\"off\",\"v\":\"OFF\",\"t\":true,\"o\":{\"b\": [1, 2.5, \"\xc3\xa9\"], \"a\":null},\"l\":[]}");

	(void)state;
	assert_string_equal(body_word(b, "w", words, "allowed"), "off");
	assert_string_equal(body_word(b, "absent", words, "allowed"), "allowed");
	assert_true(body_flag(b, "t", true));
	assert_false(body_flag(b, "absent", false));
	assert_string_equal(body_object(b, "o", 100), "{\"b\":[1,2.5,\"\xc3\xa9\"],\"a\":null}");
	assert_null(body_object(b, "absent", 100));
	assert_int_equal(b->error, OK);
	body_word(b, "v", words, "allowed");
	assert_int_equal(b->error, ERR_BAD_REQUEST);
	b = json("{\"o\":{\"long\":\"xxxxxxxxxx\"},\"l\":[]}");
	assert_null(body_object(b, "o", 10));
	assert_int_equal(b->error, ERR_BAD_REQUEST);
	b = json("{\"l\":[]}");
	assert_null(body_object(b, "l", 10));
	assert_int_equal(b->error, ERR_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(not_json),
		cmocka_unit_test(ids),
		cmocka_unit_test(contents),
		cmocka_unit_test(the_first_mistake_sticks),
		cmocka_unit_test(numbers),
		cmocka_unit_test(words_flags_objects),
	};
	int failed = cmocka_run_group_tests_name("body", tests, NULL, NULL);

	json("x");
	arena_done(&arena);
	return failed;
}
