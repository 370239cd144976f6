/* chat/cursor and chat/entry: what clients give back to us, and what the store's lines become on the wire. */
#include <jansson.h>

#include "unit.h"
#include "chat/cursor.h"
#include "chat/entry.h"

#define CHECK "0123456789ab"
#define MESSAGE "m\n" CHECK "\n1703123456789\nanon_x\nstudent\n\"type\":\"text\",\"clientId\":\"c1\"\n"

static void cursors_there_and_back(void **state)
{
	static const char *const good[] = {"0-0123456789ab", "1-abcdefabcdef", "17-9f3a2c1b5d7e", "999999999999999-000000000000"};
	struct cursor c;
	char text[CURSOR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(cursor_parse(&c, good[i]));
		cursor_print(text, &c);
		assert_string_equal(text, good[i]);
	}
	assert_true(cursor_parse(&c, "17-9f3a2c1b5d7e"));
	assert_int_equal(c.position, 17);
	assert_string_equal(c.check, "9f3a2c1b5d7e");
}

static void what_is_no_cursor(void **state)
{
	static const char *const bad[] = {"", "-", "17", "17-", "-1-" CHECK, "+1-" CHECK, " 1-" CHECK, "1 -" CHECK, "1-" CHECK " ",
		"1-" CHECK "0", "1-0123456789a", "1-0123456789AB", "1-0123456789ag", "01-" CHECK, "1.0-" CHECK, "1e3-" CHECK, "0x1-" CHECK,
		"1--" CHECK, "1-" CHECK "\n", "1000000000000000-" CHECK, "18446744073709551616-" CHECK, "18446744073709551617-" CHECK,
		"1-" CHECK ",2-" CHECK, "\xd9\xa1-" CHECK, "null"};
	struct cursor c = {.position = 42}, kept = c;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (cursor_parse(&c, bad[i]))
			fail_msg("taken: %s", bad[i]);
		assert_memory_equal(&c, &kept, sizeof c);
	}
}

/* The entry as an event; to be json_decref'd. */
static json_t *event_of(const char *bytes, int64_t position, int64_t expires_at, const char *want_name)
{
	char *exact = malloc(strlen(bytes)), name[32];
	struct entry e;
	struct buf b;
	json_t *data;

	assert_non_null(exact);
	memcpy(exact, bytes, strlen(bytes)); /* without a NUL, as Redis gives it: a look past the end is seen */
	if (!entry_parse(&e, position, exact, strlen(bytes)))
		fail_msg("not parsed: %s", bytes);
	assert_int_equal(e.cursor.position, position);
	assert_string_equal(entry_event(&e, name), want_name);
	buf_init(&b, 100000);
	entry_data(&b, "sess_1", &e, expires_at);
	data = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	if (!data)
		fail_msg("not JSON: %s", b.data);
	buf_done(&b);
	free(exact);
	return data;
}

#define text_of(object, name) json_string_value(json_object_get(object, name))
#define number_of(object, name) json_integer_value(json_object_get(object, name))

static void a_message(void **state)
{
	json_t *o = event_of(MESSAGE "\"h\\u00e4?\\n\"\n{\"k\":1}\n\n\n", 17, 0, "message:new");

	(void)state;
	assert_int_equal(number_of(o, "id"), 17);
	assert_string_equal(text_of(o, "cursor"), "17-" CHECK);
	assert_string_equal(text_of(o, "conversationId"), "sess_1");
	assert_string_equal(text_of(o, "sender"), "anon_x");
	assert_string_equal(text_of(o, "role"), "student");
	assert_string_equal(text_of(o, "type"), "text");
	assert_string_equal(text_of(o, "clientId"), "c1");
	assert_string_equal(text_of(o, "content"), "h\xc3\xa4?\n");
	assert_true(number_of(o, "sentAt") == INT64_C(1703123456789));
	assert_int_equal(number_of(json_object_get(o, "metadata"), "k"), 1);
	assert_null(json_object_get(o, "editedAt"));
	assert_null(json_object_get(o, "deletedAt"));
	assert_null(json_object_get(o, "expiresAt"));
	json_decref(o);
	o = event_of(MESSAGE "\"x\"\n\n\n\n", 17, 1703, "message:new");
	assert_int_equal(number_of(o, "expiresAt"), 1703);
	assert_null(json_object_get(o, "metadata"));
	json_decref(o);
}

/* design §3: an entry is always filled from what it is now. */
static void edited_and_deleted(void **state)
{
	json_t *o;

	(void)state;
	o = event_of(MESSAGE "\"new\"\n\n1703123456999\n\n", 17, 0, "message:new"); /* its own entry, edited since */
	assert_string_equal(text_of(o, "content"), "new");
	assert_true(number_of(o, "editedAt") == INT64_C(1703123456999));
	json_decref(o);
	o = event_of(MESSAGE "\n\n\n1703123457000\n", 17, 0, "message:deleted");
	assert_null(json_object_get(o, "content"));
	assert_true(number_of(o, "deletedAt") == INT64_C(1703123457000));
	assert_string_equal(text_of(o, "clientId"), "c1");
	json_decref(o);
	o = event_of("e\nba9876543210\n1703123456999\n17\n" MESSAGE "\"new\"\n\n1703123456999\n\n", 20, 0, "message:edited");
	assert_int_equal(number_of(o, "id"), 17);
	assert_string_equal(text_of(o, "cursor"), "17-" CHECK);
	json_decref(o);
	o = event_of("e\nba9876543210\n1703123456999\n17\n" MESSAGE "\n\n1703123456999\n1703123457000\n", 20, 0, "message:deleted");
	assert_null(json_object_get(o, "content"));
	json_decref(o);
	o = event_of("d\nba9876543210\n1703123457000\n17\n" MESSAGE "\n\n\n1703123457000\n", 21, 0, "message:deleted");
	assert_int_equal(number_of(o, "id"), 17);
	json_decref(o);
}

static void other_events(void **state)
{
	json_t *o = event_of("s\n" CHECK "\n1703123456789\nsession:ended\n{\"by\":\"c\",\"at\":1}", 3, 0, "session:ended");

	(void)state;
	assert_string_equal(text_of(o, "by"), "c");
	json_decref(o);
}

static void broken_entries(void **state)
{
	static const char *const bad[] = {"", "\n", "m", "m\n", "x\n" CHECK "\n", "mm\n" CHECK "\n",
		"m\n0123\n1\na\nstudent\n\"type\":\"text\"\n\"x\"\n", "m\n" CHECK "\n1\na\nstudent\n", "s\n" CHECK "\n1\n",
		"s\n" CHECK "\n1\nsession:ended\n", "e\n" CHECK "\n1\n17\n", "e\n" CHECK "\n1\n17\ns\n" CHECK, "d\n" CHECK};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *exact = malloc(strlen(bad[i]) + 1);
		struct entry e;
		assert_non_null(exact);
		memcpy(exact, bad[i], strlen(bad[i]));
		if (entry_parse(&e, 1, exact, strlen(bad[i])))
			fail_msg("taken: row %zu", i);
		free(exact);
	}
}

/* Every prefix of a good entry is handled without a look past its end. */
static void cut_short(void **state)
{
	static const char *const whole[] = {MESSAGE "\"x\"\n{}\n\n\n", MESSAGE "\"x\"\n12[{\"id\":\"a\"}]{}\n\n\n",
		"e\n" CHECK "\n1\n17\n" MESSAGE "\"x\"\n\n1\n\n", "s\n" CHECK "\n1\nsession:ended\n{}"};

	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++)
		for (size_t len = 0; len <= strlen(whole[i]); len++) {
			char *exact = malloc(len + !len);
			struct entry e;
			struct buf b;
			assert_non_null(exact);
			memcpy(exact, whole[i], len);
			buf_init(&b, 10000);
			if (entry_parse(&e, 1, exact, len))
				entry_data(&b, "sess_1", &e, 0);
			buf_done(&b);
			free(exact);
		}
}

static void split_is(const char *kept, const char *files, const char *metadata)
{
	struct span f, m, all = {kept, strlen(kept)};
	struct buf b;

	metadata_split(all, &f, &m);
	assert_int_equal(f.len, strlen(files));
	assert_memory_equal(f.at ? f.at : "", files, f.len);
	assert_int_equal(m.len, strlen(metadata));
	assert_memory_equal(m.at, metadata, m.len);
	buf_init(&b, 1000);
	metadata_join(&b, f, metadata);
	assert_string_equal(b.data ? b.data : "", kept);
	buf_done(&b);
}

static void files_before_metadata(void **state)
{
	(void)state;
	split_is("", "", "");
	split_is("{\"a\":1}", "", "{\"a\":1}");
	split_is("2[]", "[]", "");
	split_is("2[]{\"a\":1}", "[]", "{\"a\":1}");
	split_is("11[{\"n\":\"9\"}]{}", "[{\"n\":\"9\"}]", "{}");
	split_is("99[]", "", "99[]"); /* none of ours, but nothing beyond its end is looked at */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_before_metadata),
		cmocka_unit_test(cursors_there_and_back),
		cmocka_unit_test(what_is_no_cursor),
		cmocka_unit_test(a_message),
		cmocka_unit_test(edited_and_deleted),
		cmocka_unit_test(other_events),
		cmocka_unit_test(broken_entries),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
