/* store/words, store/search_query: what a word is in the scripts of the world, what a query means, and where it is found. */
#include "unit.h"
#include "base/utf8.h"
#include "store/search_query.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* The words with a bar between. */
static const char *words(const char *text)
{
	static char out[4096];
	struct words w;

	words_of(&w, &arena, text, strlen(text));
	*out = '\0';
	for (size_t i = 0; i < w.count; i++) {
		strcat(strcat(out, i > 0 ? "|" : ""), w.list[i].text);
		assert_true(w.list[i].start < w.list[i].end && w.list[i].end <= strlen(text));
		assert_true(i == 0 || w.list[i].start >= w.list[i - 1].end);
	}
	return out;
}

static void scripts(void **state)
{
	(void)state;
	assert_string_equal(words("Hello, World! 42"), "hello|world|42");
	assert_string_equal(words("École ÅNGSTRÖM naïve Tiếng Việt"), "ecole|angstrom|naive|tieng|viet");
	assert_string_equal(words("e\u0301cole"), "ecole");
	assert_string_equal(words("don't foo-bar a.b@c.de x_y"), "don|t|foo|bar|a|b|c|de|x|y");
	assert_string_equal(words("ΑΘΉΝΑ Ἀθήνα Σίσυφος"), "αθηνα|ἀθηνα|σισυφοσ");
	assert_string_equal(words("Ёлка елка"), "елка|елка");
	assert_string_equal(words("नमस्ते दुनिया"), "नमस्ते|दुनिया");
	assert_string_equal(words("שָׁלוֹם שלום"), "שלום|שלום");
	assert_string_equal(words("عَرَبِيّ عربي عـــربي"), "عربي|عربي|عربي");
	assert_string_equal(words("你好，世界"), "你|好|世|界");
	assert_string_equal(words("カタカナとABC"), "カ|タ|カ|ナ|と|abc");
	assert_string_equal(words("한국어 사람"), "한국어|사람");
	assert_string_equal(words("ไทย"), "ไ|ท|ย");
	assert_string_equal(words("ＦＵＬＬ１"), "full1");
	assert_string_equal(words("soft\u00adhyphen le\u200dft\u200e"), "softhyphen|left");
	assert_string_equal(words("hi🎉there 👩\u200d💻👍🏽"), "hi|🎉|there|👩|💻|👍");
	assert_string_equal(words("5€ ❤\ufe0f"), "5|€|❤");
	assert_string_equal(words(""), "");
	assert_string_equal(words(" .,;!?\"'()[]{}<>|\\/*+-=~`^%$#@&_:\t\n"), "");
}

static size_t encode(char *out, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(first[n] | c);
	return n;
}

/* Whatever characters come: the words are clean, so that they can be named to an index, and stand where they say. */
static void any_characters(void **state)
{
	static const uint32_t most[] = {0x80, 0x800, 0x3400, 0x10000, 0x20000, 0xe01f0};
	unsigned x = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char bytes[64], *copy;
		size_t len = 0;
		struct words w;
		while (len < 50) {
			uint32_t c = ((x = x * 1103515245 + 12345) >> 8) % most[round % 6];
			len += c == 0 || (c >= 0xd800 && c < 0xe000) ? 0 : encode(bytes + len, c);
		}
		copy = test_malloc(len); /* no NUL behind it: reading on would be seen */
		memcpy(copy, bytes, len);
		words_of(&w, &arena, copy, len);
		for (size_t i = 0; i < w.count; i++) {
			assert_true(w.list[i].start < w.list[i].end && w.list[i].end <= len && (i == 0 || w.list[i].start >= w.list[i - 1].end));
			assert_true(
				w.list[i].len == strlen(w.list[i].text) && w.list[i].len <= WORD_MAX_BYTES && utf8_valid(w.list[i].text, w.list[i].len));
			for (const unsigned char *p = (const unsigned char *)w.list[i].text; *p; p++)
				assert_true(*p >= 0x80 || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'));
		}
		test_free(copy);
		if (round % 500 == 0) {
			arena_done(&arena);
			arena_init(&arena);
		}
	}
}

static void index_rows(void **state)
{
	char text[400];

	(void)state;
	assert_string_equal(words_index(&arena, "=17", "b a B á c", strlen("b a B á c")), "=17 a b c");
	assert_null(words_index(&arena, "=17", "!?", 2));
	memset(text, 'x', sizeof text); /* a word longer than any counts by its beginning */
	assert_int_equal(strlen(words_index(&arena, "=1", text, sizeof text)), 3 + WORD_MAX_BYTES);
}

/* The text with its hits in brackets, NULL when it is not found. */
static const char *found(const char *query, const char *text)
{
	static char out[4096];
	struct search_query q;
	struct search_hits h;
	size_t at = 0;

	assert_true(search_query_parse(&q, &arena, query, strlen(query)));
	if (!search_query_match(&h, &arena, &q, text, strlen(text)))
		return NULL;
	assert_true(h.count > 0 && h.weight > 0);
	*out = '\0';
	for (size_t i = 0; i < h.count; i++) {
		strncat(out, text + at, h.list[i].start - at);
		strcat(strncat(strcat(out, "["), text + h.list[i].start, h.list[i].end - h.list[i].start), "]");
		at = h.list[i].end;
	}
	return strcat(out, text + at);
}

static void queries(void **state)
{
	(void)state;
	assert_string_equal(found("hello", "Hello there, hello."), "[Hello] there, [hello].");
	assert_string_equal(found("world hello", "Hello world"), "[Hello] [world]");
	assert_null(found("hello mars", "Hello world"));
	/* the last word is a beginning, unless it is closed or short */
	assert_string_equal(found("the wor", "the world"), "[the] [world]");
	assert_null(found("wor the", "the world"));
	assert_null(found("wor ", "the world"));
	assert_null(found("\"wor\"", "the world"));
	assert_null(found("wo", "the world"));
	assert_string_equal(found("écol", "École"), "[École]");
	/* phrases: quoted, joined, unspaced scripts */
	assert_string_equal(found("\"big house\"", "a big house, big old house"), "a [big house], big old house");
	assert_string_equal(found("“big house”", "a big house"), "a [big house]");
	assert_null(found("\"house big\"", "a big house"));
	assert_string_equal(found("foo-bar", "foo bar, bar foo"), "[foo bar], bar foo");
	assert_string_equal(found("世界", "你好世界"), "你好[世界]");
	assert_null(found("界世", "你好世界"));
	assert_string_equal(found("🎉", "hi🎉there"), "hi[🎉]there");
	assert_string_equal(found("שלום", "אמר שָׁלוֹם לכולם"), "אמר [שָׁלוֹם] לכולם");
	assert_string_equal(found("ann@example.com", "mail ann@example.com now"), "mail [ann@example.com] now");
	/* unclosed quotes, and what other languages of search would take for syntax */
	assert_string_equal(found("\"big hou", "a big hou"), "a [big hou]");
	assert_null(found("hello NOT world", "hello world"));
	assert_string_equal(found("hello NOT world", "not hello world"), "[not] [hello] [world]");
	assert_string_equal(found("(hello) OR* col:x ^y", "hello or col x y"), "[hello] [or] [col x] [y]");
	assert_null(found("!!!", "!!!"));
	assert_null(found("", "x"));
	/* hits that overlap are one */
	assert_string_equal(found("\"a b\" \"b c\"", "a b c"), "[a b c]");
}

static void too_many_words(void **state)
{
	char text[2 * SEARCH_WORDS_MOST + 8];
	struct search_query q;

	(void)state;
	for (int i = 0; i <= SEARCH_WORDS_MOST; i++)
		strcpy(text + 2 * i, "x ");
	assert_false(search_query_parse(&q, &arena, text, strlen(text)));
	text[2 * SEARCH_WORDS_MOST] = '\0';
	assert_true(search_query_parse(&q, &arena, text, strlen(text)));
	assert_int_equal(q.count, 1); /* the same thing over and over says nothing new */
}

static double weight(const char *query, const char *text)
{
	struct search_query q;
	struct search_hits h = {0};

	assert_true(search_query_parse(&q, &arena, query, strlen(query)) && search_query_match(&h, &arena, &q, text, strlen(text)));
	return h.weight;
}

static void weights(void **state)
{
	static const char many[] = "hello and so on and so on and so on and so on and so on and so on and so on and so on and so on and so on";

	(void)state;
	assert_true(weight("hello", "hello hello there") > weight("hello", "hello you there"));
	assert_true(weight("hello", "hello there") > weight("hello", many));
	assert_true(weight("hello", "hello there") > weight("hell", "hello there")); /* a beginning is less than the word */
	assert_true(weight("hello there", "hello there") > weight("hello", "hello there"));
}

static const char *highlight(const char *query, const char *text, size_t most)
{
	static char out[4096];
	struct search_query q;
	struct search_hits h;
	struct buf b;

	assert_true(search_query_parse(&q, &arena, query, strlen(query)) && search_query_match(&h, &arena, &q, text, strlen(text)));
	buf_init(&b, sizeof out);
	search_highlight(&b, text, strlen(text), &h, most);
	assert_true(buf_ok(&b));
	strcpy(out, b.data);
	buf_done(&b);
	return out;
}

static void highlights(void **state)
{
	char text[1000];

	(void)state;
	assert_string_equal(highlight("bold", "<b>bold</b>", 100),
		"[{\"text\":\"<b>\",\"hit\":false},{\"text\":\"bold\",\"hit\":true},{\"text\":\"</b>\",\"hit\":false}]");
	/* a long text: a piece around the first hit, no character cut */
	*text = '\0';
	for (int i = 0; i < 100; i++)
		strcat(text, "é");
	strcat(text, " here ");
	for (int i = 0; i < 100; i++)
		strcat(text, "ü");
	assert_non_null(strstr(highlight("here", text, 99), "{\"text\":\"here\",\"hit\":true}"));
	assert_int_equal(strncmp(highlight("here", text, 99), "[{\"text\":\"…\",\"hit\":false},{\"text\":\"é",
						 strlen("[{\"text\":\"…\",\"hit\":false},{\"text\":\"é")),
		0);
	assert_non_null(strstr(highlight("here", text, 99), "ü\",\"hit\":false},{\"text\":\"…\",\"hit\":false}]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scripts, setup, teardown),
		cmocka_unit_test_setup_teardown(any_characters, setup, teardown),
		cmocka_unit_test_setup_teardown(index_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(queries, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_words, setup, teardown),
		cmocka_unit_test_setup_teardown(weights, setup, teardown),
		cmocka_unit_test_setup_teardown(highlights, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
