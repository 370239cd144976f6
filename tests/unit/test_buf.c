/* base/buf: the cap, the sticky error, JSON strings that are one line for everybody. */
#include "unit.h"
#include "base/buf.h"

static int realloc_left = -1; /* -1: never fails */

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
	if (realloc_left == 0)
		return NULL;
	if (realloc_left > 0)
		realloc_left--;
	return __real_realloc(p, n);
}

static void grows_and_terminates(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	assert_null(b.data);
	for (int i = 0; i < 10000; i++)
		buf_add(&b, "abcdefg", 7);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 70000);
	assert_int_equal(b.data[70000], '\0');
	assert_memory_equal(b.data + 69993, "abcdefg", 7);
	buf_done(&b);
	assert_null(b.data);
}

static void cap_is_exact_and_sticky(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_add(&b, "0123456789", 10);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 10);
	buf_char(&b, 'x');
	assert_false(buf_ok(&b));
	buf_add(&b, "", 0);
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 10);
	assert_null(buf_take(&b, NULL));
	assert_true(buf_ok(&b)); /* taken: as new */
	buf_done(&b);
}

static void huge_length_does_not_wrap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	BUF_LIT(&b, "abc");
	buf_add(&b, "x", SIZE_MAX);
	assert_false(buf_ok(&b));
	buf_reset(&b);
	BUF_LIT(&b, "abc");
	buf_add(&b, "x", SIZE_MAX - 3);
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 3);
	buf_done(&b);
}

static void printf_honours_the_cap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_printf(&b, "%s", "");
	assert_true(buf_ok(&b));
	buf_printf(&b, "%s-%d", "abc", 1234);
	assert_true(buf_ok(&b));
	assert_string_equal(b.data, "abc-1234");
	buf_printf(&b, "%d", 5);
	assert_false(buf_ok(&b));
	assert_string_equal(b.data, "abc-1234");
	buf_done(&b);
}

static void integers(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} rows[] = {{0, "0"}, {7, "7"}, {-7, "-7"}, {1703123456789, "1703123456789"}, {INT64_MAX, "9223372036854775807"},
		{INT64_MIN, "-9223372036854775808"}};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		buf_int(&b, rows[i].n);
		assert_string_equal(b.data, rows[i].text);
	}
	buf_done(&b);
}

static void json_strings(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{"", 0, "\"\""},
		{"pl ain!", 7, "\"pl ain!\""},
		{"\"\\/", 3, "\"\\\"\\\\/\""},
		{"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
		{"\0a\x1f", 3, "\"\\u0000a\\u001f\""},
		{"\x7f", 1, "\"\\u007f\""},
		{"a\xe2\x80\xa8z\xe2\x80\xa9", 8, "\"a\\u2028z\\u2029\""},
		{"\xe2\x80\xa7\xe2\x80\xaa\xe2\x82\xac", 9, "\"\xe2\x80\xa7\xe2\x80\xaa\xe2\x82\xac\""}, /* neighbours, and the euro sign */
		{"\xf0\x9f\x98\x80\xc3\xa4", 6, "\"\xf0\x9f\x98\x80\xc3\xa4\""},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		buf_json(&b, rows[i].in, rows[i].len);
		assert_true(buf_ok(&b));
		assert_string_equal(b.data, rows[i].out);
	}
	buf_done(&b);
}

static void json_does_not_read_past_the_end(void **state)
{
	char *two = malloc(2); /* valgrind and ASan watch its end */
	struct buf b;

	(void)state;
	assert_non_null(two);
	memcpy(two, "\xe2\x80", 2);
	buf_init(&b, 1000);
	buf_json(&b, two, 2);
	assert_int_equal(b.len, 4);
	buf_done(&b);
	free(two);
}

static void drop_and_take(void **state)
{
	struct buf b;
	char *taken;
	size_t len = 99;

	(void)state;
	buf_init(&b, 100);
	BUF_LIT(&b, "0123456789");
	buf_drop(&b, 3);
	assert_string_equal(b.data, "3456789");
	assert_int_equal(b.len, 7);
	buf_drop(&b, 7);
	assert_string_equal(b.data, "");
	BUF_LIT(&b, "abc");
	taken = buf_take(&b, &len);
	assert_string_equal(taken, "abc");
	assert_int_equal(len, 3);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(taken);
	BUF_LIT(&b, "x");
	taken = buf_take(&b, NULL);
	assert_string_equal(taken, "x");
	free(taken);
	taken = buf_take(&b, &len);
	assert_string_equal(taken, "");
	assert_int_equal(len, 0);
	free(taken);
	buf_done(&b);
}

static void no_memory_is_a_failure(void **state)
{
	struct buf b;

	(void)state;
	for (int at = 0; at < 4; at++) {
		buf_init(&b, 100000);
		realloc_left = at;
		for (int i = 0; i < 500; i++)
			BUF_LIT(&b, "abcdefgh");
		realloc_left = -1;
		assert_false(buf_ok(&b));
		assert_null(buf_take(&b, NULL));
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_terminates),
		cmocka_unit_test(cap_is_exact_and_sticky),
		cmocka_unit_test(huge_length_does_not_wrap),
		cmocka_unit_test(printf_honours_the_cap),
		cmocka_unit_test(integers),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(json_does_not_read_past_the_end),
		cmocka_unit_test(drop_and_take),
		cmocka_unit_test(no_memory_is_a_failure),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
