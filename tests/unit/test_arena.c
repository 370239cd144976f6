/* base/arena: zeroed, aligned, apart from each other, all sizes. */
#include "unit.h"
#include "base/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 16, 17, 100, 900, 999, 1000, 1001, 1990, 2000, 5000, 70000};
	unsigned char *piece[COUNT(sizes) * 20];
	struct arena a;
	size_t n = 0;

	(void)state;
	arena_init(&a);
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < COUNT(sizes); i++, n++) {
			piece[n] = arena_alloc(&a, sizes[i]);
			assert_non_null(piece[n]);
			assert_int_equal((uintptr_t)piece[n] % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(piece[n][k], 0);
			memset(piece[n], (int)(n % 255 + 1), sizes[i]);
		}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizes[i % COUNT(sizes)]; k++)
			assert_int_equal(piece[i][k], i % 255 + 1);
	arena_done(&a);
	assert_null(a.chunks);
	arena_done(&a); /* again does no harm */
}

static void a_big_one_first(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	memset(arena_alloc(&a, 70000), 1, 70000);
	memset(arena_alloc(&a, 10), 1, 10);
	arena_done(&a);
}

static void strings(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	assert_string_equal(arena_strdup(&a, "hello"), "hello");
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_strndup(&a, "hello", 2), "he");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
	assert_memory_equal(arena_strndup(&a, "a\0b", 3), "a\0b", 4);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(a_big_one_first),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
