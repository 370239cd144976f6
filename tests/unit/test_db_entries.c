/* store/entries on both databases: what is kept becomes the lines that chat/entry reads, and what is counted is counted exactly. */
#include <jansson.h>

#include "dbtables.h"
#include "chat/entry.h"
#include "chat/rate.h"
#include "store/conversations_make.h"
#include "store/entries.h"

/* Ids of every shape that the grammar allows: some look like numbers, paths or options. */
static const char *const people[] = {"ann", "42", "-a", "a-b_c", "0x1F"};

struct step {
	const char *id;
	struct conversation c;
	enum err (*fn)(struct step *s);
	/* a message */
	const char *sender, *content, *client_id, *print, *thread;
	int64_t reply_to;
	const char *own;
	/* a change, a mark */
	int64_t position;
	bool delivered_only, moved;
	struct entry_new made;
};

static const char *make(void)
{
	struct conversation_person who[COUNT(people)];
	struct conversation_make m = {.type = "group",
		.channel = "chat",
		.status = "active",
		.title = "",
		.retention_s = -1,
		.by = "ann",
		.people = who,
		.count = COUNT(people)};
	const char *id;
	bool made;

	for (size_t i = 0; i < COUNT(people); i++)
		who[i] = (struct conversation_person){people[i], i ? "member" : "admin"};
	must(conversations_make(d, &arena, &m, 1000, &id, &made));
	assert_true(made);
	return id;
}

static enum err in_transaction(struct db *same, void *ctx)
{
	struct step *s = ctx;
	enum err e = conversations_lock(same, &arena, s->id, NULL, &s->c);

	return e == OK ? s->fn(s) : e;
}

static void take(struct step *s, enum err (*fn)(struct step *s))
{
	enum err e;

	s->fn = fn;
	e = db_write(d, in_transaction, s);
	if (e != OK)
		print_error("%s\n", db_why(d));
	must(e);
}

static enum err send(struct step *s)
{
	int64_t from = s->c.length;
	char own[200];
	enum err e;

	s->made = (struct entry_new){.sender = s->sender,
		.role = "member",
		.type = "text",
		.client_id = s->client_id,
		.print = s->print,
		.reply_to = s->reply_to,
		.thread = s->thread,
		.content = s->content,
		.content_len = strlen(s->content),
		.metadata = "{\"k\":1}",
		.at = 2000};
	e = entries_put_message(d, &s->c, &s->made);
	snprintf(own, sizeof own, "{\"%s\":[1,\"1 2 3 4\"]}", s->sender);
	return e == OK ? entries_settle(d, &s->c, from, 1, s->own ? s->own : own) : e;
}

static enum err edit(struct step *s)
{
	int64_t from = s->c.length;
	enum err e = entries_edit(d, &s->c, s->position, s->content, strlen(s->content), NULL, 3000);

	return e == OK ? entries_settle(d, &s->c, from, 0, "{}") : e;
}

static enum err delete (struct step *s) {
	int64_t from = s->c.length; struct entry_state was; enum err e = entries_state(d, &s->c, s->position, &was);

	if (e == OK) e = entries_delete(d, &s->c, s->position, &was, 4000);
	return e == OK ? entries_settle(d, &s->c, from, 0, "{}") : e;
}

static enum err tell(struct step *s)
{
	return entries_event(d, &s->c, "thing:done", "{\"at\":1}", 5000, &s->position);
}

static enum err mark(struct step *s)
{
	struct member me;
	enum err e = conversations_member(d, &arena, s->c.n, s->sender, &me);

	return e == OK ? entries_mark(d, &s->c, &me, s->position, s->delivered_only, &s->moved) : e;
}

static void assert_unread(const struct step *s, const char *who, int64_t want)
{
	struct member me;

	must(conversations_member(d, &arena, s->c.n, who, &me));
	if (me.unread != want)
		fail_msg("%s has %lld unread, not %lld", who, (long long)me.unread, (long long)want);
}

/* The event that a line is for readers; to be json_decref'd. */
static json_t *event(const struct step *s, const struct entry_line *line, const char *want)
{
	struct entry e;
	char name[32];
	struct buf b;
	json_t *data;

	assert_true(entry_parse(&e, line->position, line->bytes, line->len));
	assert_string_equal(entry_event(&e, name), want);
	buf_init(&b, 1 << 20);
	entry_data(&b, s->id, &e, 0);
	assert_true(buf_ok(&b));
	data = json_loadb(b.data, b.len, 0, NULL);
	assert_non_null(data);
	buf_done(&b);
	return data;
}

#define CONTENT "two\nlines \"and\" \\ more \xe2\x80\xa8 \x01"

static void lines_are_what_readers_get(void **state)
{
	struct step s = {.id = make(), .sender = "42", .content = CONTENT, .client_id = "c-1", .print = "p", .reply_to = 0};
	struct entry_line *lines;
	json_t *data;
	int n;

	(void)state;
	take(&s, send);
	s.position = s.made.position;
	must(entries_after(d, &arena, &s.c, s.position - 1, NULL, 10, 1 << 20, &lines, &n));
	assert_int_equal(n, 1);
	data = event(&s, lines, "message:new");
	assert_string_equal(json_string_value(json_object_get(data, "content")), CONTENT);
	assert_string_equal(json_string_value(json_object_get(data, "senderType")), "user");
	assert_string_equal(json_string_value(json_object_get(data, "clientId")), "c-1");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "metadata"), "k")), 1);
	assert_int_equal(json_integer_value(json_object_get(data, "sentAt")), 2000);
	json_decref(data);

	/* Markers carry the message as it is now, wherever they stand; other events carry themselves. */
	s.content = "edited";
	take(&s, edit);
	take(&s, delete);
	int64_t message = s.position;
	take(&s, tell);
	must(entries_after(d, &arena, &s.c, message - 1, NULL, 10, 1 << 20, &lines, &n));
	assert_int_equal(n, 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lines[i].position, message + i);
		data = event(&s, &lines[i], "message:deleted");
		assert_int_equal(json_integer_value(json_object_get(data, "id")), message);
		assert_int_equal(json_integer_value(json_object_get(data, "deletedAt")), 4000);
		assert_null(json_object_get(data, "content"));
		assert_null(json_object_get(data, "metadata"));
		json_decref(data);
	}
	data = event(&s, &lines[3], "thing:done");
	json_decref(data);

	/* The message erased, its markers say that it is gone and nothing else. */
	run(d, "DELETE FROM entries WHERE kind = 'm'");
	must(entries_after(d, &arena, &s.c, message, NULL, 1, 1 << 20, &lines, &n));
	data = event(&s, lines, "message:deleted");
	assert_int_equal(json_integer_value(json_object_get(data, "id")), message);
	json_decref(data);
}

static void unread_is_counted_for_ids_of_every_shape(void **state)
{
	struct step s = {.id = make(), .content = "x"};
	int64_t first = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(people); i++) {
		s.sender = people[i];
		take(&s, send);
		if (i == 0)
			first = s.made.position;
	}
	for (size_t i = 0; i < COUNT(people); i++)
		assert_unread(&s, people[i], COUNT(people) - 1);
	assert_int_equal(number(d, "SELECT count(*) FROM members WHERE rate = '1 2 3 4'"), COUNT(people));

	/* Deleted: one less for those who had not read it, and are not its sender. */
	s.position = first;
	s.sender = "-a";
	take(&s, mark);
	assert_true(s.moved);
	assert_unread(&s, "-a", COUNT(people) - 2);
	take(&s, delete);
	assert_unread(&s, "ann", COUNT(people) - 1);
	assert_unread(&s, "42", COUNT(people) - 2);
	assert_unread(&s, "-a", COUNT(people) - 2);

	/* Marks go only forward. */
	s.position = s.c.length;
	take(&s, mark);
	assert_true(s.moved);
	assert_unread(&s, "-a", 0);
	s.position = 1;
	take(&s, mark);
	assert_false(s.moved);
	assert_unread(&s, "-a", 0);
	s.sender = "0x1F";
	s.position = s.c.length;
	s.delivered_only = true;
	take(&s, mark);
	assert_true(s.moved);
	assert_unread(&s, "0x1F", COUNT(people) - 2);
	assert_unread(&s, "42", COUNT(people) - 2);
}

static void every_entry_waits_in_the_outbox(void **state)
{
	struct step s = {.id = make(), .sender = "ann", .content = "x"};
	int64_t before = number(d, "SELECT count(*) FROM outbox");

	(void)state;
	take(&s, send);
	s.position = s.made.position;
	take(&s, edit);
	take(&s, delete);
	take(&s, tell);
	assert_int_equal(number(d, "SELECT count(*) FROM outbox"), before + 4);
	assert_int_equal(number(d, "SELECT length FROM conversations"), s.c.length);
	assert_int_equal(number(d, "SELECT max(position) FROM entries"), s.c.length);
	assert_int_equal(number(d, "SELECT count(*) FROM entries"), s.c.length);
	assert_int_equal(number(d, "SELECT last_at FROM conversations"), 4000); /* an event is no activity */
}

static void client_ids_are_known_by_sender(void **state)
{
	struct step s = {.id = make(), .sender = "42", .content = "x", .client_id = "same", .print = "p1"};
	struct entry_known *known;
	int n;

	(void)state;
	take(&s, send);
	must(entries_known(d, &arena, &s.c, "[[\"42\",\"same\"],[\"ann\",\"same\"],[\"42\",\"other\"]]", 3, &known, &n));
	assert_int_equal(n, 1);
	assert_string_equal(known->sender, "42");
	assert_string_equal(known->print, "p1");
	assert_string_equal(known->mark, s.made.mark);
	assert_int_equal(known->position, s.made.position);
}

static void cursors_hold_where_their_entry_stands(void **state)
{
	struct step s = {.id = make(), .sender = "ann", .content = "x"};
	char end[ENTRY_MARK_LEN + 1];
	bool holds;

	(void)state;
	take(&s, send);
	must(entries_end(d, &s.c, end));
	assert_string_equal(end, s.made.mark);
	must(entries_holds(d, &s.c, s.c.length, end, &holds));
	assert_true(holds);
	must(entries_holds(d, &s.c, s.c.length - 1, end, &holds));
	assert_false(holds);
	must(entries_holds(d, &s.c, s.c.length + 1, end, &holds));
	assert_false(holds);
	must(entries_holds(d, &s.c, 0, s.c.birth, &holds));
	assert_true(holds);
	s.c.floor = 1;
	must(entries_holds(d, &s.c, 0, s.c.birth, &holds));
	assert_false(holds);
}

static void rates_have_two_windows(void **state)
{
	char next[RATE_TEXT_MAX] = "", kept[RATE_TEXT_MAX];

	(void)state;
	config_done();
	setenv("ROOM_SENDS", "3/100", 1);
	setenv("ROOM_SENDS_BURST", "2/10", 1);
	assert_int_equal(config_load(), 0);
	assert_int_equal(rate_take("", 1000000, next), 0);
	assert_int_equal(rate_take(next, 1001000, next), 0);
	memcpy(kept, next, sizeof kept);
	assert_int_equal(rate_take(next, 1002000, next), 8000); /* the burst's window began with the first */
	assert_string_equal(next, kept);
	assert_int_equal(rate_take(next, 1010000, next), 0);
	assert_int_equal(rate_take(next, 1021000, next), 79000);
	assert_int_equal(rate_take(next, 1100000, next), 0);
	assert_int_equal(rate_take("what is this", 1, next), 0);
	unsetenv("ROOM_SENDS");
	unsetenv("ROOM_SENDS_BURST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		table_test(lines_are_what_readers_get),
		table_test(unread_is_counted_for_ids_of_every_shape),
		table_test(every_entry_waits_in_the_outbox),
		table_test(client_ids_are_known_by_sender),
		table_test(cursors_hold_where_their_entry_stands),
		table_test(rates_have_two_windows),
	};

	return db_suite("entries", tests);
}
