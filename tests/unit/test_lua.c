/* tools/embed-lua: the embedded scripts say what the files in src/store/lua say. Runs in the repository's root, as make does. */
#include <ctype.h>
#include <dirent.h>

#include "unit.h"
#include "base/buf.h"
#include "store/lua.h"

#define DIRECTORY "src/store/lua/"

/* The file's lines, includes replaced, comment lines and empty ones gone. */
static void expand(struct buf *b, const char *name, int depth)
{
	char path[300], *line = NULL, included[200];
	size_t size = 0;
	FILE *f;

	assert_true(depth < 8);
	snprintf(path, sizeof path, DIRECTORY "%s", name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s", path);
	while (getline(&line, &size, f) >= 0) {
		const char *text = line + strspn(line, " \t");
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "--- include %199s", included) == 1) {
			expand(b, included, depth + 1);
		} else if (*text && strncmp(text, "--", 2) != 0) {
			buf_str(b, line);
			buf_char(b, '\n');
		}
	}
	free(line);
	fclose(f);
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
		bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
		if (begins && !isalnum((unsigned char)at[len]) && at[len] != '_')
			return true;
	}
	return false;
}

/* The line after a function that the script may lack: all of it, and nobody calls it. */
static char *after_function(char *line, const char *script)
{
	char name[64];

	if (sscanf(line, "local function %63[A-Za-z0-9_]", name) != 1)
		fail_msg("%s is missing in %.100s", line, script);
	if (has_word(script, name))
		fail_msg("%s is called, and missing", name);
	for (line = strtok(NULL, "\n"); line != NULL && strncmp(line, "end", 3) != 0;)
		line = strtok(NULL, "\n");
	assert_non_null(line);
	return strtok(NULL, "\n");
}

static void they_say_what_the_files_say_but_for_functions_nobody_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < lua_source_count; i++) {
		const struct lua_source *s = &lua_sources[i];
		const char *said = s->text;
		char file[300];
		struct buf b;
		snprintf(file, sizeof file, "%s.lua", s->name);
		buf_init(&b, 1000000);
		expand(&b, file, 0);
		assert_true(buf_ok(&b));
		assert_int_equal(s->len, strlen(s->text));
		for (char *line = strtok(b.data, "\n"); line != NULL;) {
			const char *text = line + strspn(line, " \t");
			size_t len = strlen(text);
			if (strncmp(said, text, len) != 0 || said[len] != '\n') {
				line = after_function(line, s->text);
				continue;
			}
			said += len + 1;
			line = strtok(NULL, "\n");
		}
		assert_string_equal(said, "");
		buf_done(&b);
	}
}

static void no_function_is_there_that_nobody_calls(void **state)
{
	static const char begins[] = "local function ";

	(void)state;
	for (size_t i = 0; i < lua_source_count; i++)
		for (const char *at = strstr(lua_sources[i].text, begins); at != NULL; at = strstr(at + 1, begins)) {
			char name[64];
			assert_int_equal(sscanf(at + sizeof begins - 1, "%63[A-Za-z0-9_]", name), 1);
			const char *before = strstr(lua_sources[i].text, name);
			if (before == at + sizeof begins - 1 && !has_word(at + sizeof begins - 1 + strlen(name), name))
				fail_msg("%s: %s", lua_sources[i].name, name);
		}
}

static void all_are_there_sorted(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir(DIRECTORY);
	size_t files = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *end = strrchr(entry->d_name, '.');
		if (end && strcmp(end, ".lua") == 0 && entry->d_name[0] != '_' && entry->d_name[0] != '.')
			files++;
	}
	closedir(dir);
	assert_true(files > 0);
	assert_int_equal(lua_source_count, files);
	for (size_t i = 1; i < lua_source_count; i++)
		assert_true(strcmp(lua_sources[i - 1].name, lua_sources[i].name) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_say_what_the_files_say_but_for_functions_nobody_calls),
		cmocka_unit_test(no_function_is_there_that_nobody_calls),
		cmocka_unit_test(all_are_there_sorted),
	};

	return cmocka_run_group_tests_name("lua", tests, NULL, NULL);
}
