/* http/sse: whatever the data holds, one event comes out and nothing else. Read back with a parser written from the standard (WHATWG HTML §9.2.6). */
#include "unit.h"
#include "http/sse.h"

/* What a browser makes of a stream: the events dispatched, the last one's fields. */
struct seen {
	int events, comments;
	char id[64], type[64], data[70000];
	size_t data_len;
	int retry;
};

static void field(struct seen *s, const char *line, size_t len, char *data, size_t *data_len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len = colon ? (size_t)(colon - line) : len, value_len;

	if (name_len == 0) {
		s->comments++;
		return;
	}
	value = colon ? colon + 1 : line + len;
	value_len = len - (size_t)(value - line);
	if (value_len && *value == ' ') {
		value++;
		value_len--;
	}
	if (name_len == 4 && memcmp(line, "data", 4) == 0) {
		memcpy(data + *data_len, value, value_len);
		*data_len += value_len;
		data[(*data_len)++] = '\n';
	} else if (name_len == 5 && memcmp(line, "event", 5) == 0) {
		snprintf(s->type, sizeof s->type, "%.*s", (int)value_len, value);
	} else if (name_len == 2 && memcmp(line, "id", 2) == 0) {
		snprintf(s->id, sizeof s->id, "%.*s", (int)value_len, value);
	} else if (name_len == 5 && memcmp(line, "retry", 5) == 0) {
		s->retry = atoi(value);
	}
}

static void parse(struct seen *s, const struct buf *b)
{
	static char data[70000];
	size_t data_len = 0, at = 0;

	memset(s, 0, sizeof *s);
	while (at < b->len) {
		size_t len = 0;
		while (at + len < b->len && b->data[at + len] != '\n' && b->data[at + len] != '\r')
			len++;
		if (len) {
			field(s, b->data + at, len, data, &data_len);
		} else if (data_len) {
			s->events++;
			memcpy(s->data, data, data_len - 1);
			s->data_len = data_len - 1;
			data_len = 0;
		}
		at += len;
		at += at + 1 < b->len && b->data[at] == '\r' && b->data[at + 1] == '\n' ? 2 : 1;
	}
	assert_int_equal(data_len, 0); /* nothing half-sent */
}

static void framed(const char *data, size_t len, const char *want, size_t want_len)
{
	static struct seen s;
	struct buf b;

	buf_init(&b, 1 << 20);
	sse_event(&b, "17-9f3a2c1b5d7e", "message:new", data, len);
	assert_true(buf_ok(&b));
	parse(&s, &b);
	assert_int_equal(s.events, 1);
	assert_string_equal(s.id, "17-9f3a2c1b5d7e");
	assert_string_equal(s.type, "message:new");
	assert_int_equal(s.data_len, want_len);
	assert_memory_equal(s.data, want, want_len);
	buf_done(&b);
}

static void line_ends(void **state)
{
	static const struct {
		const char *data, *want;
	} rows[] = {
		{"plain", "plain"},
		{"a\nb", "a\nb"},
		{"a\rb", "a\nb"},
		{"a\r\nb", "a\nb"},
		{"a\n\nb", "a\n\nb"},
		{"a\r\rb", "a\n\nb"},
		{"a\n\rb", "a\n\nb"},
		{"\n", "\n"},
		{"\r", "\n"},
		{"\r\n", "\n"},
		{"a\n", "a\n"},
		{"\ra", "\na"},
		{"", ""},
		{"a\r\n\r\nb", "a\n\nb"},
		{" lead", " lead"},
		{":colon", ":colon"},
		{"x\n\nid: evil\nevent: evil\ndata: evil\n\n", "x\n\nid: evil\nevent: evil\ndata: evil\n\n"},
		{"a\xe2\x80\xa8"
		 "b\xe2\x80\xa9"
		 "c\xc2\x85",
			"a\xe2\x80\xa8"
			"b\xe2\x80\xa9"
			"c\xc2\x85"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		framed(rows[i].data, strlen(rows[i].data), rows[i].want, strlen(rows[i].want));
}

/* Every text of five bytes over the letters that matter. */
static void every_mixture(void **state)
{
	static const char letters[] = "a\r\n: ";
	char data[5], want[5];

	(void)state;
	for (int n = 0; n < 3125; n++) {
		size_t out = 0;
		for (int i = 0, left = n; i < 5; i++, left /= 5)
			data[i] = letters[left % 5];
		for (int i = 0; i < 5; i++) {
			if (data[i] == '\r' && i < 4 && data[i + 1] == '\n')
				continue;
			want[out++] = data[i] == '\r' ? '\n' : data[i];
		}
		framed(data, 5, want, out);
	}
}

static void large(void **state)
{
	static char data[16384];

	(void)state;
	memset(data, 'x', sizeof data);
	framed(data, sizeof data, data, sizeof data);
	data[0] = data[8000] = data[sizeof data - 1] = '\n';
	framed(data, sizeof data, data, sizeof data);
}

static void without_id(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	sse_event(&b, NULL, "user:typing", "{}", 2);
	assert_string_equal(b.data, "event: user:typing\ndata: {}\n\n");
	buf_done(&b);
}

static void comments_and_retry(void **state)
{
	static struct seen s;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	sse_retry(&b, 2500);
	sse_comment(&b, "");
	sse_comment(&b, "still here");
	parse(&s, &b);
	assert_int_equal(s.events, 0);
	assert_int_equal(s.comments, 2);
	assert_int_equal(s.retry, 2500);
	buf_done(&b);
}

static void too_much(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 20);
	sse_event(&b, NULL, "message:new", "0123456789", 10);
	assert_false(buf_ok(&b));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_ends),
		cmocka_unit_test(every_mixture),
		cmocka_unit_test(large),
		cmocka_unit_test(without_id),
		cmocka_unit_test(comments_and_retry),
		cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
