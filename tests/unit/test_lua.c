/* tools/embed-lua: the embedded scripts say what the files in src/store/lua say. Runs in the repository's root, as make does. */
#include <dirent.h>

#include "unit.h"
#include "base/buf.h"
#include "store/lua.h"

#define DIRECTORY "src/store/lua/"

/* The file as the embedder should leave it: includes replaced, comment lines, indentation and empty lines gone. */
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
			buf_str(b, text);
			buf_char(b, '\n');
		}
	}
	free(line);
	fclose(f);
}

static void they_say_what_the_files_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < lua_source_count; i++) {
		const struct lua_source *s = &lua_sources[i];
		char file[300];
		struct buf b;
		snprintf(file, sizeof file, "%s.lua", s->name);
		buf_init(&b, 1000000);
		expand(&b, file, 0);
		assert_true(buf_ok(&b));
		assert_int_equal(s->len, strlen(s->text));
		assert_string_equal(s->text, b.data);
		buf_done(&b);
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
		cmocka_unit_test(they_say_what_the_files_say),
		cmocka_unit_test(all_are_there_sorted),
	};

	return cmocka_run_group_tests_name("lua", tests, NULL, NULL);
}
