/* chat/following: a feed's entry, taken apart. */
#include <string.h>

#include "chat/following.h"
#include "unit.h"

static bool parse(struct feed_line *out, const char *text)
{
	return feed_parse(out, 7, text, strlen(text));
}

static void says(struct span s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.at, text, s.len);
}

static void takes_a_list_entry(void **state)
{
	struct feed_line l;

	(void)state;
	assert_true(parse(&l, "f\n0123456789ab\n1700000000000\nconv_a\n17"));
	says(l.conversation, "conv_a");
	assert_int_equal(l.position, 17);
	assert_int_equal(l.cursor.position, 7);
	assert_string_equal(l.cursor.check, "0123456789ab");
	assert_int_equal(l.entry.len, 0);
}

static void takes_news_with_the_entry_behind_it(void **state)
{
	struct feed_line l;

	(void)state;
	assert_true(parse(&l, "f\n0123456789ab\n1\nconv_a\n17\ns\nbbbbbbbbbbbb\n1\nuser:left\n{}"));
	says(l.entry, "s\nbbbbbbbbbbbb\n1\nuser:left\n{}");
	assert_true(parse(&l, "f\n0123456789ab\n1\nconv_a\n0\n"));
	assert_int_equal(l.position, 0);
}

static void refuses_what_is_none(void **state)
{
	static const char *const none[] = {"", "f", "m\n0123456789ab\n1\nconv_a\n17", "f\n0123\n1\nconv_a\n17", "f\n0123456789ab\n1\n\n17",
		"f\n0123456789ab\n1\nconv_a\n",
		"f\n0123456789ab\n1\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n1"};
	struct feed_line l;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(parse(&l, none[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_list_entry),
		cmocka_unit_test(takes_news_with_the_entry_behind_it),
		cmocka_unit_test(refuses_what_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
