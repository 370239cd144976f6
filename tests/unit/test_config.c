/* base/config: defaults, the file, the environment over it, and that nothing wrong is taken for a default. */
#include <fcntl.h>
#include <unistd.h>

#include "unit.h"
#include "base/config.h"

static char dir[] = "/tmp/room-config-XXXXXX";
static char path[64], said[65536]; /* what went to standard error */

static int load(void)
{
	char name[64];
	int kept = dup(STDERR_FILENO), fd, answer;
	ssize_t n;

	snprintf(name, sizeof name, "%s/stderr", dir);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && kept >= 0);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	answer = config_load();
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	n = pread(fd, said, sizeof said - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	return answer;
}

static void file_is(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	setenv("ROOM_ENV", path, 1);
}

static int fresh(void **state)
{
	(void)state;
	for (const struct config_row *row = config_rows(); row->name; row++)
		unsetenv(row->name);
	unsetenv("ROOM_NONSENSE");
	return 0;
}

static void defaults(void **state)
{
	int64_t count, seconds;

	(void)state;
	assert_int_equal(load(), 0);
	assert_string_equal(said, "");
	assert_int_equal(config_number("ROOM_PORT"), 8080);
	assert_int_equal(config_number("ROOM_TLS"), 0);
	assert_int_equal(config_number("ROOM_BUCKETS"), 1);
	assert_int_equal(config_number("ROOM_TTL_S"), 86400);
	assert_string_equal(config_text("ROOM_STATE"), "./var");
	assert_string_equal(config_text("ROOM_JWT_SECRET"), "");
	assert_string_equal(config_public_url(), "http://localhost:8080");
	config_rate("ROOM_SENDS", &count, &seconds);
	assert_true(count == 500 && seconds == 900);
	config_rate("ROOM_SENDS_BURST", &count, &seconds);
	assert_true(count == 60 && seconds == 10);
	assert_int_equal(config_source("ROOM_PORT"), CONFIG_DEFAULT);
}

static void every_row_is_sound(void **state)
{
	(void)state;
	for (const struct config_row *row = config_rows(); row->name; row++) {
		assert_memory_equal(row->name, "ROOM_", 5);
		assert_non_null(row->fallback);
		assert_true(strlen(row->help) > 10);
		if (*row->fallback)
			setenv(row->name, row->fallback, 1); /* a default must pass its own check */
		for (const struct config_row *other = config_rows(); other != row; other++)
			assert_string_not_equal(row->name, other->name);
	}
	assert_int_equal(load(), 0);
	assert_string_equal(said, "");
}

static void environment_over_file_over_default(void **state)
{
	static const char text[] = "# comment\n\n; another\n  ROOM_PORT = 9000 \nROOM_TTL_S=60\r\nROOM_PUSH_TEXT=\"Hello there \"\n"
							   "ROOM_JWT_SECRET='a=b#c=d and more'\nOTHER_PROGRAM=1\nROOM_GEMINI_MODEL=\nROOM_LOG=debug";

	(void)state;
	file_is(text, strlen(text));
	setenv("ROOM_TTL_S", "61", 1);
	setenv("ROOM_LOG", "", 1); /* empty is as good as not there */
	assert_int_equal(load(), 0);
	assert_string_equal(said, "");
	assert_int_equal(config_number("ROOM_PORT"), 9000);
	assert_int_equal(config_source("ROOM_PORT"), CONFIG_FILE);
	assert_int_equal(config_number("ROOM_TTL_S"), 61);
	assert_int_equal(config_source("ROOM_TTL_S"), CONFIG_ENVIRONMENT);
	assert_string_equal(config_text("ROOM_PUSH_TEXT"), "Hello there ");
	assert_string_equal(config_text("ROOM_JWT_SECRET"), "a=b#c=d and more");
	assert_string_equal(config_text("ROOM_LOG"), "debug");
	assert_int_equal(config_source("ROOM_GEMINI_MODEL"), CONFIG_DEFAULT);
	assert_string_not_equal(config_text("ROOM_GEMINI_MODEL"), "");
}

static void mistakes_stop_it(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {{"ROOM_TICKET_S", "59"}, {"ROOM_PORT", "65536"}, {"ROOM_PORT", "80x"}, {"ROOM_PORT", " 80"}, {"ROOM_PORT", "-1"},
		{"ROOM_PORT", "+80"}, {"ROOM_PORT", "0x50"}, {"ROOM_PORT", "99999999999999999999"}, {"ROOM_TLS", "yes"}, {"ROOM_TLS", "2"},
		{"ROOM_SENDS", "5"}, {"ROOM_SENDS", "5/"}, {"ROOM_SENDS", "/5"}, {"ROOM_SENDS", "5/0"}, {"ROOM_SENDS", "5/5/5"},
		{"ROOM_SENDS", "-5/5"}, {"ROOM_URL", "localhost"}, {"ROOM_URL", "ftp://x"}, {"ROOM_URL", "http://"}, {"ROOM_URL", "http:///x"},
		{"ROOM_URL", "https://a b"}, {"ROOM_URL", "https://a?x=1"}, {"ROOM_URL", "https://a\nb"}, {"ROOM_REDIS", "localhost:6379"},
		{"ROOM_REDIS", "unix:"}, {"ROOM_DB", "mysql://x"}, {"ROOM_LOG", "verbose"}, {"ROOM_LOG", "inf"}, {"ROOM_LOG", "info|warn"},
		{"ROOM_SUMMARIES", "maybe"}, {"ROOM_PUSH_TEXT", "two\nlines"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		fresh(NULL);
		setenv(rows[i].name, rows[i].value, 1);
		if (load() != -1)
			fail_msg("%s=%s was taken", rows[i].name, rows[i].value);
		assert_memory_equal(said, rows[i].name, strlen(rows[i].name));
	}
}

static void all_mistakes_are_told_and_no_secret_is(void **state)
{
	(void)state;
	setenv("ROOM_PORT", "http", 1);
	setenv("ROOM_TLS", "on", 1);
	setenv("ROOM_GEMINI_KEY", "hush\nhush", 1);
	assert_int_equal(load(), -1);
	assert_non_null(strstr(said, "ROOM_PORT=http: "));
	assert_non_null(strstr(said, "ROOM_TLS=on: "));
	assert_non_null(strstr(said, "ROOM_GEMINI_KEY: "));
	assert_null(strstr(said, "hush"));
}

static void files_that_are_wrong(void **state)
{
	static const char *const bad[] = {"ROOM_PORT\n", "ROOM_PORT=80\nROOM_PORT=81\n", "ROOM_PORT=x\n", "just words\n"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		file_is(bad[i], strlen(bad[i]));
		if (load() != -1)
			fail_msg("taken: %s", bad[i]);
		assert_string_not_equal(said, "");
	}
	file_is("ROOM_PORT=80\0x\n", 15);
	assert_int_equal(load(), -1);
	setenv("ROOM_ENV", "/nowhere/at/all", 1);
	assert_int_equal(load(), -1);
	setenv("ROOM_ENV", "/tmp", 1); /* a directory opens, and cannot be read */
	assert_int_equal(load(), -1);
}

static void unknown_names_are_told(void **state)
{
	(void)state;
	setenv("ROOM_NONSENSE", "1", 1);
	assert_int_equal(load(), 0);
	assert_non_null(strstr(said, "ROOM_NONSENSE"));
	file_is("ROOM_TYPO=1\n", 12);
	assert_int_equal(load(), 0);
	assert_non_null(strstr(said, "ROOM_TYPO"));
}

static void lists(void **state)
{
	(void)state;
	setenv("ROOM_ORIGINS", "https://a.example, https://b.example ,,https://c.example", 1);
	assert_int_equal(load(), 0);
	assert_true(config_lists("ROOM_ORIGINS", "https://a.example"));
	assert_true(config_lists("ROOM_ORIGINS", "https://b.example"));
	assert_true(config_lists("ROOM_ORIGINS", "https://c.example"));
	assert_false(config_lists("ROOM_ORIGINS", "https://a.exampl"));
	assert_false(config_lists("ROOM_ORIGINS", "https://a.example.evil"));
	assert_false(config_lists("ROOM_ORIGINS", "HTTPS://A.EXAMPLE"));
	assert_false(config_lists("ROOM_ORIGINS", ""));
	assert_false(config_lists("ROOM_TRUSTED_PROXIES", "127.0.0.1"));
}

static void unlimited_rate(void **state)
{
	int64_t count = 7, seconds = 0;

	(void)state;
	setenv("ROOM_SENDS", "0", 1);
	assert_int_equal(load(), 0);
	config_rate("ROOM_SENDS", &count, &seconds);
	assert_int_equal(count, 0);
	assert_true(seconds > 0);
}

static void public_urls(void **state)
{
	(void)state;
	setenv("ROOM_URL", "https://chat.example/room//", 1);
	assert_int_equal(load(), 0);
	assert_string_equal(config_public_url(), "https://chat.example/room");
	unsetenv("ROOM_URL");
	setenv("ROOM_TLS", "1", 1);
	assert_int_equal(load(), 0);
	assert_string_equal(config_public_url(), "https://localhost:8080");
	setenv("ROOM_PORT", "443", 1);
	assert_int_equal(load(), 0);
	assert_string_equal(config_public_url(), "https://localhost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults, fresh),
		cmocka_unit_test_setup(every_row_is_sound, fresh),
		cmocka_unit_test_setup(environment_over_file_over_default, fresh),
		cmocka_unit_test_setup(mistakes_stop_it, fresh),
		cmocka_unit_test_setup(all_mistakes_are_told_and_no_secret_is, fresh),
		cmocka_unit_test_setup(files_that_are_wrong, fresh),
		cmocka_unit_test_setup(unknown_names_are_told, fresh),
		cmocka_unit_test_setup(lists, fresh),
		cmocka_unit_test_setup(unlimited_rate, fresh),
		cmocka_unit_test_setup(public_urls, fresh),
	};
	char name[64];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof path, "%s/room.env", dir);
	failed = cmocka_run_group_tests_name("config", tests, NULL, NULL);
	config_done();
	snprintf(name, sizeof name, "%s/stderr", dir);
	unlink(name);
	unlink(path);
	rmdir(dir);
	return failed;
}
