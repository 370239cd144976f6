/* chat/device: what is taken for a push target, and how it is kept. */
#include "unit.h"
#include "base/json.h"
#include "chat/device.h"

static bool parse(struct device *out, const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	bool good;

	assert_non_null(json);
	good = device_parse(out, json);
	json_decref(json);
	return good;
}

static void one_target_of_either_kind(void **state)
{
	struct device d;

	(void)state;
	assert_true(parse(&d, "{\"token\":\"abc:DEF-_9\",\"more\":1}"));
	assert_false(d.fid);
	assert_string_equal(d.target, "abc:DEF-_9");
	assert_true(parse(&d, "{\"fid\":\"x\",\"token\":null}"));
	assert_true(d.fid);
	assert_string_equal(d.target, "x");
}

static void nothing_else(void **state)
{
	static const char *const bad[] = {"{}", "[]", "\"a\"", "null", "{\"token\":null}", "{\"token\":\"\"}", "{\"token\":1}",
		"{\"token\":[\"a\"]}", "{\"token\":\"a\",\"fid\":\"b\"}", "{\"token\":\"a b\"}", "{\"token\":\"a\\n\"}", "{\"token\":\"\\u00e4\"}",
		"{\"token\":\"\\u007f\"}"};
	struct device d;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(parse(&d, bad[i]));
}

static void of_bounded_length(void **state)
{
	char text[DEVICE_TARGET_MAX + 32];
	struct device d;

	(void)state;
	snprintf(text, sizeof text, "{\"token\":\"%0*d\"}", DEVICE_TARGET_MAX, 7);
	assert_true(parse(&d, text));
	assert_int_equal(strlen(d.target), DEVICE_TARGET_MAX);
	snprintf(text, sizeof text, "{\"token\":\"%0*d\"}", DEVICE_TARGET_MAX + 1, 7);
	assert_false(parse(&d, text));
}

static void kept_and_read_back(void **state)
{
	char text[DEVICE_TEXT_MAX];
	struct device d = {0}, back;

	(void)state;
	device_write(text, &(struct device){.fid = true, .target = "a\"b\\c"});
	assert_string_equal(text, "{\"fid\":\"a\\\"b\\\\c\"}");
	/* the longest there can be */
	memset(d.target, '"', DEVICE_TARGET_MAX);
	device_write(text, &d);
	assert_true(strlen(text) < sizeof text);
	assert_true(device_read(&back, text));
	assert_false(back.fid);
	assert_string_equal(back.target, d.target);
	assert_false(device_read(&back, ""));
	assert_false(device_read(&back,
		"{\"token\":\"a\"} "
		"x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_target_of_either_kind),
		cmocka_unit_test(nothing_else),
		cmocka_unit_test(of_bounded_length),
		cmocka_unit_test(kept_and_read_back),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
