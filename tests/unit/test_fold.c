/* base/fold: text within text, whatever the case. */
#include "unit.h"
#include "base/fold.h"

static void found(void **state)
{
	static const char *const pairs[][2] = {{"", ""}, {"abc", ""}, {"abc", "abc"}, {"aBc", "Bc"}, {"aab", "AB"}, {"aaab", "aab"},
		{"ÄRZTE", "ärz"}, {"Ζωή", "ΖΩΉ"}, {"Жанна", "жАННА"}, {"İstanbul x", "STANBUL"}, {"a\nb", "\nB"}, {"👩‍👧 x", "👩‍👧"},
		{"100%_x", "%_X"}};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (!fold_within(pairs[i][0], pairs[i][1]))
			fail_msg("%s is within %s", pairs[i][1], pairs[i][0]);
}

static void not_found(void **state)
{
	static const char *const pairs[][2] = {
		{"", "a"}, {"abc", "abcd"}, {"abc", "ac"}, {"e", "é"}, {"é", "e"}, {"Ä", "\xc3"}, {"aaaa", "ab"}, {"Ωmega", "Ǒ"}};

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (fold_within(pairs[i][0], pairs[i][1]))
			fail_msg("%s is not within %s", pairs[i][1], pairs[i][0]);
}

/* What is no UTF-8 is compared somehow, and never read beyond its end. */
static void broken(void **state)
{
	static const char *const texts[] = {"\xc3", "\xe2\x82", "\xf0\x9f", "\xff\xff", "a\xc3"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char *copy = strdup(texts[i]);
		assert_true(fold_within(copy, copy));
		assert_false(fold_within(copy, "zz"));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(found), cmocka_unit_test(not_found), cmocka_unit_test(broken)};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
