/* base/json: what a body may be, and every kind of wrong with its name. base/err: the table. */
#include "unit.h"
#include "base/err.h"
#include "base/json.h"

static enum err read_text(const char *text, size_t len)
{
	char *exact = malloc(len ? len : 1); /* so that valgrind and ASan see a look past the end */
	json_t *value = NULL;
	enum err e;

	assert_non_null(exact);
	memcpy(exact, text, len);
	e = json_read(&value, exact, len, JSON_DEPTH);
	if ((e == OK) != (value != NULL))
		fail_msg("%.*s: value does not fit the answer", (int)len, text);
	json_decref(value);
	free(exact);
	return e;
}

static void good_and_bad(void **state)
{
	static const char *const good[] = {"{}", "[]", " {\"a\":1} \r\n\t", "{\"a\":{\"b\":[1,2.5,-3e2,true,false,null,\"x\"]}}",
		"\"\\u2028\\ud83d\\ude00\"", "{\"a\":9223372036854775807}", "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\"}",
		"{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\"}", "{\"a\":1,\"A\":2}"};
	static const char *const bad[] = {"", " ", "{", "}", "{}{}", "{} x", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "[NaN]", "[Infinity]",
		"[1e999]", "[01]", "[+1]", "[.5]", "[9223372036854775808]", "\xef\xbb\xbf{}", "{\"a\":\"\n\"}", "[\"\\x\"]", "[\"\\ud800\"]",
		"[\"\\udc00\"]", "[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]", "{\"a\":1,\"a\":1}", "{\"b\":{\"a\":1,\"a\":2}}",
		"{\"a\":1,\"\\u0061\":2}", "[tru]", "// x\n{}", "[\"", "[\"\\", "{\"a\\u0000\":1}"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (read_text(good[i], strlen(good[i])) != OK)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (read_text(bad[i], strlen(bad[i])) != ERR_BAD_JSON)
			fail_msg("row %zu: %s", i, bad[i]);
	assert_int_equal(read_text("{}\0", 3), ERR_BAD_JSON);
	assert_int_equal(read_text("{\"a\":\"x\0y\"}", 11), ERR_BAD_JSON);
	assert_int_equal(read_text("{\"a\":\"x\\u0000\"}", 15), ERR_BAD_CONTENT);
}

static void depth(void **state)
{
	char *text = malloc(100000);

	(void)state;
	assert_non_null(text);
	for (size_t n = 1; n < 40; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(read_text(text, 2 * n), n <= JSON_DEPTH ? OK : ERR_BAD_JSON);
	}
	/* brackets in strings count for nothing, those behind a string do, and siblings are not depth */
	for (size_t n = 10; n < 20; n++) {
		static const char *const before[] = {"[\"\",", "[\"x\",", "[\"\\\"\",", "[\"\\\\\",", "[\"[[\\\"[[\","};
		for (size_t i = 0; i < COUNT(before); i++) {
			size_t len = strlen(before[i]);
			memcpy(text, before[i], len);
			memset(text + len, '[', n);
			memset(text + len + n, ']', n + 1);
			assert_int_equal(read_text(text, len + 2 * n + 1), n < JSON_DEPTH ? OK : ERR_BAD_JSON);
		}
	}
	assert_int_equal(read_text("[[],[],{},{},[],[],{},{},[],[],{},{},[],[],{},{},[],[],{},{},[],[]]", 67), OK);
	memset(text, '[', 100000);
	assert_int_equal(read_text(text, 100000), ERR_BAD_JSON);
	for (size_t n = 0; n < 100000; n += 5)
		memcpy(text + n, "{\"a\":", 5);
	assert_int_equal(read_text(text, 100000), ERR_BAD_JSON);
	free(text);
}

/* design §7, word for word */
static void errors_as_the_contract_has_them(void **state)
{
	static const struct {
		int status;
		const char *codes;
	} rows[] = {{400, "BAD_REQUEST BAD_JSON BAD_CONTENT"}, {401, "UNAUTHENTICATED TICKET_EXPIRED"}, {403, "FORBIDDEN"}, {404, "NOT_FOUND"},
		{405, "METHOD_NOT_ALLOWED"}, {409, "CONFLICT SESSION_ENDED LOG_FULL"}, {410, "GONE"}, {413, "TOO_LARGE"}, {415, "UNSUPPORTED_TYPE"},
		{422, "CLIENT_ID_REUSED"}, {429, "RATE_LIMITED"}, {500, "INTERNAL"},
		{503, "STORE_UNAVAILABLE PROFILE_SERVICE_UNAVAILABLE SUMMARIES_OFF"}};
	int n = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (const char *code = rows[i].codes; *code; code += strspn(code, " "), n++) {
			size_t len = strcspn(code, " ");
			enum err e = err_by_code(code, len);
			assert_int_equal(err_row(e)->status, rows[i].status);
			assert_int_equal(strlen(err_row(e)->code), len);
			assert_memory_equal(err_row(e)->code, code, len);
			assert_true(strlen(err_row(e)->message) > 10);
			code += len;
		}
	assert_int_equal(n, ERR_COUNT_);
	assert_int_equal(err_by_code("NONSENSE", 8), ERR_INTERNAL);
	assert_int_equal(err_by_code("GON", 3), ERR_INTERNAL);
	assert_int_equal(err_by_code("", 0), ERR_INTERNAL);
	assert_string_equal(err_row(ERR_COUNT_)->code, "INTERNAL");
	assert_string_equal(err_row((enum err)9999)->code, "INTERNAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_and_bad),
		cmocka_unit_test(depth),
		cmocka_unit_test(errors_as_the_contract_has_them),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
