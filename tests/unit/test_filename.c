/* base/filename: what comes out is harmless whatever goes in, and stays as it is when it goes in again. The tricks by name are in tests/http/files.test.mjs. */
#include "unit.h"
#include "base/filename.h"
#include "base/id.h"
#include "base/utf8.h"

static void cleaned(const char *name, const char *want)
{
	char out[FILENAME_MAX_BYTES + 1];

	filename_clean(out, name, "jpg jpeg");
	assert_string_equal(out, want);
}

static void endings(void **state)
{
	(void)state;
	cleaned("a.jpg", "a.jpg");
	cleaned("a.JPEG", "a.JPEG");
	cleaned("a.png", "a.png.jpg");
	cleaned("a", "a.jpg");
	cleaned(NULL, "file.jpg");
	cleaned("", "file.jpg");
	cleaned(".jpg", "jpg.jpg");
	cleaned("con.jpg", "_con.jpg");
	cleaned("CON.tar.jpg", "_CON.tar.jpg");
	cleaned("console.jpg", "console.jpg");
	cleaned("com7", "_com7.jpg");
	cleaned("com10", "com10.jpg");
	cleaned("a/b\\c.jpg", "c.jpg");
	cleaned("c:\\x\\", "file.jpg");
}

static bool is_harmless(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > FILENAME_MAX_BYTES || !utf8_valid(name, len) || *name == '.' || *name == ' ' || strpbrk(name, "/\\:*?\"<>|"))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return name[len - 1] != '.' && name[len - 1] != ' ' && !strstr(name, "\xe2\x80\xae") && !strstr(name, "\xe2\x81\xa6");
}

/* Random texts out of pieces that are worth it. */
static void anything(void **state)
{
	static const char *const pieces[] = {"a", "B", ".", " ", "/", "\\", "con", "jpg", ".jpg", "\xe2\x80\xae", "\xc2\xa0",
		"\xf0\x9f\x91\xa9", "\xe2\x81\xa6", "\n", "\"", "\xc3\xa9", "aux", ":", "\xef\xbb\xbf", "..", "\x7f"};
	char name[2048], once[FILENAME_MAX_BYTES + 1], twice[FILENAME_MAX_BYTES + 1];
	unsigned char dice[200];

	(void)state;
	for (int n = 0; n < 20000; n++) {
		id_random(dice, sizeof dice);
		*name = '\0';
		for (int i = 0; i < dice[0] % 199; i++)
			strcat(name, pieces[dice[i + 1] % (sizeof pieces / sizeof *pieces)]);
		filename_clean(once, name, "jpg jpeg");
		filename_clean(twice, once, "jpg jpeg");
		if (!is_harmless(once) || strcmp(once, twice) != 0)
			fail_msg("[%s] became [%s], then [%s]", name, once, twice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(endings), cmocka_unit_test(anything)};

	return cmocka_run_group_tests_name("filename", tests, NULL, NULL);
}
