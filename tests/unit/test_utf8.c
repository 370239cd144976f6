/* base/utf8: every code point there and back, every sequence that is none, and what counts as blank. */
#include "unit.h"
#include "base/utf8.h"

static size_t encode(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void every_code_point(void **state)
{
	char text[4];

	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		bool good = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
		size_t len = encode(text, c);
		if (utf8_valid(text, len) != good)
			fail_msg("U+%04X", c);
		for (size_t cut = 1; cut < len; cut++)
			assert_false(utf8_valid(text, cut));
	}
}

/* All two-byte strings against the definition: valid is what is the shortest spelling of something. */
static void every_short_string(void **state)
{
	static bool good2[65536];
	char text[4];

	(void)state;
	for (uint32_t c = 0x80; c < 0x800; c++) {
		encode(text, c);
		good2[(unsigned char)text[0] << 8 | (unsigned char)text[1]] = true;
	}
	for (int i = 0; i < 65536; i++) {
		bool good = good2[i] || ((i & 0x8080) == 0);
		text[0] = (char)(i >> 8);
		text[1] = (char)i;
		assert_int_equal(utf8_valid(text, 2), good);
		/* the same behind and before eight plain bytes, where the fast path runs */
		char longer[20] = "abcdefgh..ijklmnop";
		memcpy(longer + 8, text, 2);
		assert_int_equal(utf8_valid(longer, 18), good);
	}
}

static void overlong_and_beyond(void **state)
{
	static const char *const bad[] = {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xed\xa0\xbd\xed\xb8\x80", "\x80", "a\xbf", "\xe2\x82z"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (utf8_valid(bad[i], strlen(bad[i])))
			fail_msg("row %zu", i);
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
}

static void blank_texts(void **state)
{
	static const char *const blanks[] = {"", " ", "\t\n\v\f\r ", "\xc2\xa0", "\xc2\x85", "\xe1\x9a\x80", "\xe2\x80\x80\xe2\x80\x8a",
		"\xe2\x80\xa8\xe2\x80\xa9", "\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80", "\xe2\x80\x8b", "\xe2\x80\x8d", "\xe2\x80\x8e\xe2\x80\x8f",
		"\xe2\x81\xa0", "\xef\xbb\xbf"};
	static const char *const inked[] = {".", " x ", "\xe2\x80\xa7", "\xf0\x9f\x98\x80", "\xe2\x80\xb0", "\xc2\xa1", "\xff", " \xe2\x80"};

	(void)state;
	for (size_t i = 0; i < COUNT(blanks); i++)
		if (!utf8_blank(blanks[i], strlen(blanks[i])))
			fail_msg("blank %zu", i);
	for (size_t i = 0; i < COUNT(inked); i++)
		if (utf8_blank(inked[i], strlen(inked[i])))
			fail_msg("inked %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(every_short_string),
		cmocka_unit_test(overlong_and_beyond),
		cmocka_unit_test(blank_texts),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
