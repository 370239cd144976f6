/* base/seal: what was sealed opens for what it belongs to and for nothing else; keys rotate; nothing altered opens. */
#include "unit.h"
#include "base/config.h"
#include "base/seal.h"

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "_-8BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE" /* the URL's alphabet, unpadded */

static const char *why;

static enum err keys(const char *value)
{
	setenv("ROOM_KEYS", value, 1);
	assert_int_equal(config_load(), 0);
	return seal_setup(&why);
}

static int done(void **state)
{
	(void)state;
	seal_done();
	config_done();
	unsetenv("ROOM_KEYS");
	return 0;
}

static struct buf sealed(const char *text, const char *belongs_to)
{
	struct buf b;

	buf_init(&b, 100000);
	assert_int_equal(seal_make(&b, text, strlen(text), belongs_to), OK);
	return b;
}

static enum err opens(const void *bytes, size_t len, const char *belongs_to, const char *expect)
{
	struct buf b;
	enum err e;

	buf_init(&b, 100000);
	e = seal_open(&b, bytes, len, belongs_to);
	if (e == OK) {
		assert_int_equal(b.len, strlen(expect));
		assert_memory_equal(b.data ? b.data : "", expect, b.len);
	} else {
		assert_int_equal(b.len, 0);
	}
	buf_done(&b);
	return e;
}

static void opens_for_what_it_belongs_to(void **state)
{
	struct buf a, b, empty;

	(void)state;
	assert_int_equal(keys("a=" KEY_A), OK);
	assert_string_equal(seal_key(), "a");
	a = sealed("canary", "summary:1");
	b = sealed("canary", "summary:1");
	assert_true(a.len <= 6 + SEAL_OVERHEAD);
	assert_null(memmem(a.data, a.len, "canary", 6));
	assert_memory_not_equal(a.data, b.data, a.len); /* never the same twice */
	assert_int_equal(opens(a.data, a.len, "summary:1", "canary"), OK);
	assert_int_equal(opens(a.data, a.len, "summary:2", ""), ERR_BAD_REQUEST);
	assert_int_equal(opens(a.data, a.len, "", ""), ERR_BAD_REQUEST);
	empty = sealed("", "x");
	assert_int_equal(opens(empty.data, empty.len, "x", ""), OK);
	buf_done(&a);
	buf_done(&b);
	buf_done(&empty);
}

static void nothing_altered_opens(void **state)
{
	struct buf a;

	(void)state;
	assert_int_equal(keys("a=" KEY_A ",b=" KEY_B), OK);
	a = sealed("some words", "x");
	for (size_t i = 0; i < a.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			a.data[i] = (char)(a.data[i] ^ 1 << bit);
			assert_int_not_equal(opens(a.data, a.len, "x", ""), OK);
			a.data[i] = (char)(a.data[i] ^ 1 << bit);
		}
	for (size_t len = 0; len < a.len; len++)
		assert_int_equal(opens(a.data, len, "x", ""), ERR_BAD_REQUEST);
	a.data[2] = 'b'; /* the other key's name */
	assert_int_equal(opens(a.data, a.len, "x", ""), ERR_BAD_REQUEST);
	buf_done(&a);
}

static void keys_rotate(void **state)
{
	char id[SEAL_KEY_ID_MAX + 1];
	struct buf old, new;

	(void)state;
	assert_int_equal(keys("2026=" KEY_A), OK);
	old = sealed("old", "x");
	assert_int_equal(keys(" 2027=" KEY_B " , 2026=" KEY_A), OK);
	assert_string_equal(seal_key(), "2027");
	new = sealed("new", "x");
	assert_int_equal(opens(old.data, old.len, "x", "old"), OK);
	assert_int_equal(opens(new.data, new.len, "x", "new"), OK);
	assert_true(seal_key_of(id, old.data, old.len));
	assert_string_equal(id, "2026");
	assert_false(seal_key_of(id, "nonsense", 8));
	assert_int_equal(keys("2027=" KEY_B), OK);
	assert_int_equal(opens(old.data, old.len, "x", ""), ERR_NOT_FOUND);
	buf_done(&old);
	buf_done(&new);
}

static void wrong_keys_are_refused(void **state)
{
	static const char *const wrong[] = {KEY_A, "a", "a=", "=" KEY_A, "a=" KEY_A "A", "a=AAAA", "a=" KEY_A ",a=" KEY_B, "a b=" KEY_A,
		"a=" KEY_A ",,b=" KEY_B, "a=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!=", "aaaaaaaaaabbbbbbbbbbccccccccccddd=" KEY_A};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(keys(wrong[i]), ERR_BAD_REQUEST);
		assert_non_null(why);
		assert_false(seal_ready());
	}
	assert_int_equal(keys(""), ERR_NOT_FOUND);
	buf_init(&b, 1000);
	assert_int_equal(seal_make(&b, "x", 1, "x"), ERR_INTERNAL);
	assert_int_equal(seal_open(&b, "x", 1, "x"), ERR_INTERNAL);
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void new_keys_are_good_ones(void **state)
{
	char a[SEAL_NEW_LEN + 1], b[SEAL_NEW_LEN + 1];

	(void)state;
	assert_int_equal(seal_new_keys(a), OK);
	assert_int_equal(seal_new_keys(b), OK);
	assert_int_equal(strlen(a), SEAL_NEW_LEN);
	assert_string_not_equal(a, b);
	assert_int_equal(keys(a), OK);
	assert_true(seal_ready());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(opens_for_what_it_belongs_to, done),
		cmocka_unit_test_teardown(nothing_altered_opens, done),
		cmocka_unit_test_teardown(keys_rotate, done),
		cmocka_unit_test_teardown(wrong_keys_are_refused, done),
		cmocka_unit_test_teardown(new_keys_are_good_ones, done),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
