/* base/password: what may be one, and that only the right one passes. */
#include "unit.h"
#include "base/password.h"

static bool fine(const char *password)
{
	return password_weak(password, strlen(password), "longenough") == NULL;
}

static void rules(void **state)
{
	static const char *const good[] = {"8 bytes!", "correct horse", "päss wörd", "        x", "longenough1"};
	static const char *const bad[] = {"", "1234567", "password", "PassWord1", "qwertyuiop", "longenough", "LONGenough", "aaaaaaaa",
		"        ", "\xe2\x80\x8b\xe2\x80\x8b\xe2\x80\x8b", "latin \xe9 one"};
	char text[PASSWORD_MOST + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!fine(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (fine(bad[i]))
			fail_msg("%s", bad[i]);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 26);
	assert_null(password_weak(text, PASSWORD_MOST, "x"));
	assert_non_null(password_weak(text, PASSWORD_MOST + 1, "x"));
	assert_non_null(password_weak("1234\0005678", 9, "x"));
}

static void hashes(void **state)
{
	char one[PASSWORD_HASH_MAX], two[PASSWORD_HASH_MAX];

	(void)state;
	assert_int_equal(password_hash(one, "correct horse", 13), OK);
	assert_int_equal(password_hash(two, "correct horse", 13), OK);
	assert_string_not_equal(one, two); /* salted */
	assert_memory_equal(one, "$argon2id$", 10);
	assert_int_equal(password_check(one, "correct horse", 13), OK);
	assert_int_equal(password_check(two, "correct horse", 13), OK);
	assert_int_equal(password_check(one, "correct horse ", 14), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check(one, "Correct horse", 13), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check(one, "", 0), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check("", "", 0), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check("correct horse", "correct horse", 13), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check(NULL, "correct horse", 13), ERR_UNAUTHENTICATED);
	assert_int_equal(password_check(NULL, "", 0), ERR_UNAUTHENTICATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rules), cmocka_unit_test(hashes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
