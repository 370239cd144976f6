/* What SQLite makes of the statements that lasting conversations live on: plans USER CONVERSATION CURSOR-POSITION WORD… (ROOM_DB or ROOM_STATE; a database that seed filled).
 *
 * Calls the store's own functions as handlers do; then each statement that the connection has prepared is explained. One JSON line each: {"sql", "plan": ["SEARCH …", …]}. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "store/conversations_list.h"
#include "store/db_driver.h"
#include "store/files.h"
#include "store/follow.h"
#include "store/outbox.h"
#include "store/retention.h"
#include "store/search.h"

struct asking {
	const char *user, *conversation;
	int64_t position;
	char **words;
};

static void sure(struct db *d, enum err e)
{
	if (e != OK)
		errx(1, "%s: %s", err_row(e)->code, db_why(d));
}

static enum err lists(struct db *d, struct arena *a, const struct asking *q)
{
	struct conversations_query queries[] = {{.asker = q->user, .limit = 50},
		{.asker = q->user, .type = "direct", .status = "active", .limit = 50}, {.asker = q->user, .text = "a", .limit = 50}};
	enum err e = OK;

	for (size_t i = 0; e == OK && i < sizeof queries / sizeof *queries; i++) {
		struct conversations_place next;
		struct conversation_view *views;
		int count;
		e = conversations_list(d, a, &queries[i], &views, &count, &next);
		if (e == OK && next.n > 0) {
			queries[i].after = next;
			e = conversations_list(d, a, &queries[i], &views, &count, &next);
		}
	}
	return e;
}

static enum err pages(struct db *d, struct arena *a, const struct conversation *c, int64_t position)
{
	static const char modes[] = "nba";
	struct entry_line *lines;
	int64_t first, last;
	int count;
	enum err e = entries_after(d, a, c, position, NULL, 200, 1 << 18, &lines, &count);

	for (const char *mode = modes; e == OK && *mode; mode++) {
		e = entries_page(d, a, c, *mode, position, NULL, 50, 1 << 18, &lines, &count, &first, &last);
		if (e == OK)
			e = entries_page(d, a, c, *mode, position, "t1", 50, 1 << 18, &lines, &count, &first, &last);
	}
	return e;
}

static enum err searches(struct db *d, struct arena *a, const struct asking *q, const struct conversation *c)
{
	enum err e = OK;

	for (char **word = q->words; e == OK && *word; word++) {
		struct search_query query;
		struct search_ask ask = {.asker = q->user, .query = &query, .limit = 20};
		struct search_place next;
		struct search_find *finds;
		int count;
		if (!search_query_parse(&query, a, *word, strlen(*word)))
			errx(2, "too many words");
		e = search_messages(d, a, &ask, &finds, &count, &next);
		ask.within = c;
		if (e == OK)
			e = search_messages(d, a, &ask, &finds, &count, &next);
		ask.within = NULL;
		if (e == OK)
			e = search_conversations(d, a, &ask, &finds, &count, &next);
	}
	return e;
}

/* What hubs ask for their readers, and the sweep of what was not announced. */
static enum err follows(struct db *d, struct arena *a, const struct asking *q)
{
	const struct follow f = {.conversation = q->conversation,
		.participant = q->user,
		.has_cursor = true,
		.position = q->position,
		.check = "000000000000",
		.marks = true,
		.most = 100,
		.bytes = 1 << 18};
	struct follow_item items[] = {
		{.conversation = q->conversation, .position = q->position}, {.conversation = q->conversation, .position = q->position + 1}};
	struct follow_found found;
	struct follow_large *large;
	struct entry_line *lines;
	const char *members;
	int64_t length, position;
	int count;
	enum err e = follow_find(d, a, &f, &found);

	if (e == OK)
		e = follow_fill(d, a, q->user, NULL, items, 2, 1 << 18, &count);
	if (e == OK)
		e = follow_lengths(d, &q->conversation, &length, 1);
	if (e == OK)
		e = follow_entries(d, a, q->conversation, q->position, 100, 1 << 18, &lines, &count);
	if (e == OK)
		e = follow_large(d, a, q->user, 180, 500, &large, &count);
	return e == OK ? outbox_lowest(d, a, q->conversation, &position, &members) : e;
}

static enum err files(struct db *d, struct arena *a, const struct asking *q)
{
	struct file_row row, *rows;
	struct file_gone *gone;
	struct buf list;
	bool known;
	int count;
	enum err e = files_room(d, q->conversation, q->user, (struct files_most){20, 1000});

	buf_init(&list, 65536);
	if (e == OK)
		e = files_of(d, q->conversation, q->position, &list);
	buf_done(&list);
	if (e == OK)
		e = files_known(d, "file_x", &known);
	if (e == OK)
		e = files_gone(d, a, clock_now_ms(), 100, &gone, &count);
	if (e == OK)
		e = files_of_sessions(d, a, "", 100, &rows, &count);
	if (e == OK && files_get(d, a, q->conversation, "file_x", q->user, &row) != ERR_NOT_FOUND)
		e = ERR_INTERNAL;
	return e;
}

static enum err run(struct db *d, void *asking)
{
	const struct asking *q = asking;
	struct conversation c;
	struct arena a;
	int64_t n = 0;
	const char **ids;
	int count;
	enum err e;

	arena_init(&a);
	e = conversations_get(d, &a, q->conversation, q->user, &c);
	if (e == OK)
		e = pages(d, &a, &c, q->position);
	if (e == OK)
		e = searches(d, &a, q, &c);
	if (e == OK)
		e = files(d, &a, q);
	if (e == OK)
		e = retention_due(d, &a, clock_now_ms(), 0, 200, &n, &ids, &count);
	if (e == OK)
		e = retention_due(d, &a, clock_now_ms(), 1000000000, 200, &n, &ids, &count);
	arena_done(&a);
	return e;
}

/* What a send and an edit write; undone. */
static enum err write(struct db *d, void *asking)
{
	const struct asking *q = asking;
	struct entry_new n = {
		.sender = q->user, .role = "member", .type = "text", .content = "plans", .content_len = 5, .client_id = "plans", .print = "p"};
	struct conversation c;
	struct arena a;
	enum err e;

	arena_init(&a);
	n.at = clock_now_ms();
	e = conversations_lock(d, &a, q->conversation, q->user, &c);
	if (e == OK)
		e = entries_put_message(d, &c, &n);
	if (e == OK)
		e = entries_edit(d, &c, n.position, "plans again", 11, NULL, n.at);
	if (e == OK)
		e = outbox_done(d, q->conversation, 1, n.position);
	if (e == OK)
		e = files_release(d, q->conversation, n.position, n.at);
	if (e == OK)
		e = files_release_to(d, q->conversation, n.position, n.at);
	arena_done(&a);
	return e == OK ? ERR_GONE : e; /* so that nothing stays */
}

static void explain(struct db *d, const char *sql)
{
	struct db_value nothing[64];
	struct db_rows r;
	struct buf line, text;
	const char *comma = "";

	for (int i = 0; i < 64; i++)
		nothing[i] = (struct db_value){.null = true};
	buf_init(&line, 1 << 20);
	buf_init(&text, 1 << 20);
	buf_str(&text, "EXPLAIN QUERY PLAN ");
	buf_str(&text, sql);
	buf_str(&line, "{\"sql\":");
	buf_json(&line, sql, strlen(sql));
	buf_str(&line, ",\"plan\":[");
	db_query(&r, d, text.data, nothing, 64);
	for (; db_rows_next(&r); comma = ",") {
		buf_str(&line, comma);
		buf_json(&line, db_rows_word(&r, 3), strlen(db_rows_word(&r, 3)));
	}
	sure(d, db_rows_done(&r));
	printf("%s]}\n", line.data);
	buf_done(&line);
	buf_done(&text);
}

int main(int argc, char **argv)
{
	struct asking q = {.user = argv[1]};
	char *statements[DB_STATEMENTS];
	struct arena a;
	struct db *d;
	int64_t erased;
	bool more;
	int count;
	enum err e;

	if (argc < 5 || config_load() != 0 || db_new(&d, NULL, 60000) != OK)
		errx(2, "usage: plans USER CONVERSATION POSITION WORD…");
	q.conversation = argv[2];
	q.position = strtoll(argv[3], NULL, 10);
	q.words = argv + 4;
	arena_init(&a);
	sure(d, lists(d, &a, &q)); /* of one instant by itself */
	sure(d, follows(d, &a, &q));
	arena_done(&a);
	sure(d, db_read(d, run, &q));
	e = db_write(d, write, &q);
	if (e != ERR_GONE)
		sure(d, e == OK ? ERR_INTERNAL : e);
	sure(d, retention_erase(d, q.conversation, clock_now_ms() + 100000000, 1, 200, &more, &erased));
	count = d->statement_count;
	for (int i = 0; i < count; i++)
		statements[i] = strdup(d->statements[i]->sql);
	for (int i = 0; i < count; i++) {
		explain(d, statements[i]);
		free(statements[i]);
	}
	db_free(d);
	config_done();
	return 0;
}
