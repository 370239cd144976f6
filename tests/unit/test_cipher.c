/* base/cipher: what was sealed opens with its key alone, whole and in its order. */
#include "unit.h"
#include "base/cipher.h"

static unsigned char plain[3 * CIPHER_PIECE], sealed[4 * (CIPHER_PIECE + CIPHER_MORE)], out[CIPHER_PIECE];
static unsigned char head[CIPHER_HEAD];

/* Seals len bytes; the number of pieces. */
static int seal(const char *key, size_t len)
{
	struct cipher c;
	int n = 0;

	for (size_t i = 0; i < len; i++)
		plain[i] = (unsigned char)(i * 7 + i / 256);
	assert_true(cipher_seal_begin(&c, key, head));
	for (size_t at = 0; at < len; at += CIPHER_PIECE, n++)
		cipher_seal(&c, sealed + (size_t)n * (CIPHER_PIECE + CIPHER_MORE), plain + at, len - at < CIPHER_PIECE ? len - at : CIPHER_PIECE,
			at + CIPHER_PIECE >= len);
	return n;
}

static size_t piece_len(size_t len, int i)
{
	size_t at = (size_t)i * CIPHER_PIECE;

	return (len - at < CIPHER_PIECE ? len - at : CIPHER_PIECE) + CIPHER_MORE;
}

static bool open_piece(struct cipher *c, size_t len, int i, bool *last)
{
	return cipher_open(c, out, sealed + (size_t)i * (CIPHER_PIECE + CIPHER_MORE), piece_len(len, i), last);
}

static void there_and_back(void **state)
{
	static const size_t lengths[] = {1, 1000, CIPHER_PIECE - 1, CIPHER_PIECE, CIPHER_PIECE + 1, 3 * CIPHER_PIECE};
	char key[CIPHER_KEY_TEXT];

	(void)state;
	for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
		struct cipher c;
		bool last = false;
		int n;
		cipher_key(key);
		n = seal(key, lengths[l]);
		assert_true(cipher_open_begin(&c, key, head));
		for (int i = 0; i < n; i++) {
			assert_false(last);
			assert_true(open_piece(&c, lengths[l], i, &last));
			assert_memory_equal(out, plain + (size_t)i * CIPHER_PIECE, piece_len(lengths[l], i) - CIPHER_MORE);
		}
		assert_true(last);
		assert_false(open_piece(&c, lengths[l], 0, &last)); /* nothing after the end */
	}
}

static void nothing_else_opens(void **state)
{
	char key[CIPHER_KEY_TEXT], other[CIPHER_KEY_TEXT];
	size_t len = 2 * CIPHER_PIECE + 5;
	struct cipher c;
	bool last;

	(void)state;
	cipher_key(key);
	cipher_key(other);
	assert_string_not_equal(key, other);
	assert_int_equal(seal(key, len), 3);
	assert_true(cipher_open_begin(&c, other, head));
	assert_false(open_piece(&c, len, 0, &last)); /* another key */
	assert_true(cipher_open_begin(&c, key, head));
	assert_false(open_piece(&c, len, 1, &last)); /* out of order */
	assert_true(cipher_open_begin(&c, key, head));
	assert_true(open_piece(&c, len, 0, &last));
	assert_false(last);                          /* cut off here it is not whole */
	assert_false(open_piece(&c, len, 0, &last)); /* twice */
	sealed[20] ^= 1;
	assert_true(cipher_open_begin(&c, key, head));
	assert_false(open_piece(&c, len, 0, &last));
	assert_false(cipher_open_begin(&c, "not a key", head));
	assert_false(cipher_open_begin(&c, "", head));
	assert_false(cipher_open(&c, out, sealed, 3, &last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(nothing_else_opens)};

	return cmocka_run_group_tests_name("cipher", tests, NULL, NULL);
}
