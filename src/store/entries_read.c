/* Reading the log of a lasting conversation, as lines: see entries.h. */
#include "store/entries.h"

#include <stdio.h>
#include <string.h>

#define LINE_MOST (256 * 1024) /* content of 16 KB, each byte six of JSON, and metadata */

/* An entry beside what its marker means (t; of a message: itself). */
#define LINE_COLUMNS \
	"e.position, e.mark, e.at, e.kind, e.event, e.data, e.target, COALESCE(t.mark, e.mark), COALESCE(t.at, e.at), COALESCE(t.sender, " \
	"e.sender), " \
	"COALESCE(t.role, e.role), COALESCE(t.type, e.type), COALESCE(t.client_id, e.client_id), COALESCE(t.reply_to, e.reply_to), " \
	"COALESCE(t.thread, e.thread), COALESCE(t.content, e.content), COALESCE(t.metadata, e.metadata), COALESCE(t.edited_at, e.edited_at), " \
	"COALESCE(t.deleted_at, e.deleted_at), COALESCE(t.edits, e.edits), e.conversation"
#define LINE_FROM " FROM entries e LEFT JOIN entries t ON t.conversation = e.conversation AND t.position = e.target "

enum {
	POSITION,
	MARK,
	AT,
	KIND,
	EVENT,
	DATA,
	TARGET,
	M_MARK,
	M_AT,
	M_SENDER,
	M_ROLE,
	M_TYPE,
	M_CLIENT_ID,
	M_REPLY_TO,
	M_THREAD,
	M_CONTENT,
	M_METADATA,
	M_EDITED_AT,
	M_DELETED_AT,
	M_EDITS,
	CONVERSATION
};

static void line(struct buf *b, const char *text)
{
	buf_str(b, text);
	buf_char(b, '\n');
}

static void line_number(struct buf *b, int64_t n, bool there)
{
	if (there)
		buf_int(b, n);
	buf_char(b, '\n');
}

const char *entries_sender_type(const char *role)
{
	if (strcmp(role, "system") == 0)
		return "system";
	return strcmp(role, "agent") == 0 || strcmp(role, "business") == 0 ? "agent" : "user";
}

void entries_refs(struct buf *b, const char *type, const char *role, const char *client_id, int64_t reply_to, const char *thread)
{
	/* All of these follow the grammar of ids: nothing to escape. */
	buf_printf(b, "\"type\":\"%s\",\"senderType\":\"%s\"", type, entries_sender_type(role));
	if (client_id)
		buf_printf(b, ",\"clientId\":\"%s\"", client_id);
	if (reply_to > 0)
		buf_printf(b, ",\"replyTo\":%lld", (long long)reply_to);
	if (thread)
		buf_printf(b, ",\"threadId\":\"%s\"", thread);
}

static void write_message(struct buf *b, const struct db_rows *r)
{
	bool deleted = !db_rows_null(r, M_DELETED_AT);
	const char *content = db_rows_word(r, M_CONTENT);

	line(b, "m");
	line(b, db_rows_word(r, M_MARK));
	line_number(b, db_rows_int(r, M_AT), true);
	line(b, db_rows_word(r, M_SENDER));
	line(b, db_rows_word(r, M_ROLE));
	entries_refs(b, db_rows_word(r, M_TYPE), db_rows_word(r, M_ROLE), db_rows_text(r, M_CLIENT_ID), db_rows_int(r, M_REPLY_TO),
		db_rows_text(r, M_THREAD));
	buf_char(b, '\n');
	if (!deleted)
		buf_json(b, content, strlen(content));
	buf_char(b, '\n');
	line(b, db_rows_word(r, M_METADATA));
	line_number(b, db_rows_int(r, M_EDITED_AT), !db_rows_null(r, M_EDITED_AT));
	line_number(b, db_rows_int(r, M_DELETED_AT), deleted);
	buf_int(b, db_rows_int(r, M_EDITS));
}

/* What a marker is followed by when its message is erased: deleted, and nothing else is known of it. */
static void write_erased(struct buf *b, const struct db_rows *r)
{
	buf_printf(
		b, "m\n000000000000\n%lld\n\n\n\"type\":\"text\"\n\n\n\n%lld\n0", (long long)db_rows_int(r, AT), (long long)db_rows_int(r, AT));
}

static void write_line(struct buf *b, const struct db_rows *r)
{
	const char *kind = db_rows_word(r, KIND);

	if (*kind == 'm') {
		write_message(b, r);
		return;
	}
	line(b, kind);
	line(b, db_rows_word(r, MARK));
	line_number(b, db_rows_int(r, AT), true);
	if (*kind == 's') {
		line(b, db_rows_word(r, EVENT));
		buf_str(b, db_rows_word(r, DATA));
		return;
	}
	line_number(b, db_rows_int(r, TARGET), true);
	if (db_rows_null(r, M_SENDER))
		write_erased(b, r);
	else
		write_message(b, r);
}

/* The rows' lines, as many as fit. */
static enum err take_lines(struct db_rows *r, struct arena *a, int most, size_t max_bytes, struct entry_line **out, int *count)
{
	struct entry_line *lines = arena_alloc(a, (size_t)most * sizeof *lines);
	size_t bytes = 0;
	struct buf b;
	enum err e;

	buf_init(&b, LINE_MOST);
	*count = 0;
	while (*count < most && db_rows_next(r)) {
		buf_reset(&b);
		write_line(&b, r);
		bytes += b.len;
		if (!buf_ok(&b) || (*count > 0 && bytes > max_bytes))
			break;
		lines[(*count)++] =
			(struct entry_line){db_rows_int(r, CONVERSATION), db_rows_int(r, POSITION), arena_strndup(a, b.data, b.len), b.len};
	}
	*out = lines;
	e = db_rows_done(r);
	if (e == OK && !buf_ok(&b))
		e = ERR_INTERNAL;
	buf_done(&b);
	return e;
}

enum err entries_after(struct db *d, struct arena *a, const struct conversation *c, int64_t position, const char *thread, int most,
	size_t max_bytes, struct entry_line **out, int *count)
{
	struct db_rows r;

	if (thread)
		db_query(&r, d,
			"SELECT " LINE_COLUMNS LINE_FROM
			"WHERE e.conversation = $1 AND e.position > $2 AND COALESCE(t.thread, e.thread) = $3 ORDER BY e.position "
			"LIMIT $4",
			DB_ARGS(db_int(c->n), db_int(position), db_text(thread), db_int(most)));
	else
		db_query(&r, d, "SELECT " LINE_COLUMNS LINE_FROM "WHERE e.conversation = $1 AND e.position > $2 ORDER BY e.position LIMIT $3",
			DB_ARGS(db_int(c->n), db_int(position), db_int(most)));
	return take_lines(&r, a, most, max_bytes, out, count);
}

/* ---- pages ---- */

static void turn_round(struct entry_line *lines, int count)
{
	for (int i = 0, k = count - 1; i < k; i++, k--) {
		struct entry_line kept = lines[i];
		lines[i] = lines[k];
		lines[k] = kept;
	}
}

static enum err ends(struct db *d, const struct conversation *c, const char *thread, int64_t *first, int64_t *last)
{
	struct db_rows r;

	*first = c->first_message;
	*last = c->last_message;
	if (!thread)
		return OK;
	*first = *last = 0;
	db_query(&r, d,
		"SELECT (SELECT min(position) FROM entries WHERE conversation = $1 AND thread = $2 AND kind = 'm'), "
		"(SELECT max(position) FROM entries WHERE conversation = $1 AND thread = $2 AND kind = 'm')",
		DB_ARGS(db_int(c->n), db_text(thread)));
	if (db_rows_next(&r)) {
		*first = db_rows_int(&r, 0);
		*last = db_rows_int(&r, 1);
	}
	return db_rows_done(&r);
}

/* A message has no target, so that the second entry costs nothing. */
#define PAGE_FROM LINE_FROM "WHERE e.conversation = $1 AND e.kind = 'm' AND "
#define PAGE_THREAD "e.thread = $4 AND "

enum err entries_page(struct db *d, struct arena *a, const struct conversation *c, char mode, int64_t position, const char *thread,
	int most, size_t max_bytes, struct entry_line **out, int *count, int64_t *first, int64_t *last)
{
	static const char *const sql[2][2] = {
		{"SELECT " LINE_COLUMNS PAGE_FROM "e.position < $2 ORDER BY e.position DESC LIMIT $3",
			"SELECT " LINE_COLUMNS PAGE_FROM "e.position > $2 ORDER BY e.position LIMIT $3"},
		{"SELECT " LINE_COLUMNS PAGE_FROM PAGE_THREAD "e.position < $2 ORDER BY e.position DESC LIMIT $3",
			"SELECT " LINE_COLUMNS PAGE_FROM PAGE_THREAD "e.position > $2 ORDER BY e.position LIMIT $3"},
	};
	bool forward = mode == 'a';
	int64_t at = mode == 'n' ? INT64_MAX : position;
	struct db_rows r;
	enum err e = ends(d, c, thread, first, last);

	if (e != OK)
		return e;
	if (thread)
		db_query(&r, d, sql[1][forward], DB_ARGS(db_int(c->n), db_int(at), db_int(most), db_text(thread)));
	else
		db_query(&r, d, sql[0][forward], DB_ARGS(db_int(c->n), db_int(at), db_int(most)));
	e = take_lines(&r, a, most, max_bytes, out, count);
	if (e == OK && !forward)
		turn_round(*out, *count);
	return e;
}

enum err entries_one(struct db *d, struct arena *a, const struct conversation *c, int64_t position, struct entry_line *out)
{
	struct entry_line *lines;
	struct db_rows r;
	int count;
	enum err e;

	db_query(
		&r, d, "SELECT " LINE_COLUMNS LINE_FROM "WHERE e.conversation = $1 AND e.position = $2", DB_ARGS(db_int(c->n), db_int(position)));
	e = take_lines(&r, a, 1, LINE_MOST, &lines, &count);
	if (e == OK && count == 0)
		return ERR_NOT_FOUND;
	*out = *lines;
	return e;
}

enum err entries_last_messages(struct db *d, struct arena *a, const char *numbers, int most, struct entry_line **out, int *count)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " LINE_COLUMNS
		" FROM {sqlite: json_each($1)}{postgres: json_array_elements_text(CAST($1 AS json))} AS j JOIN conversations c ON c.n = "
		"{sqlite: j.value}{postgres: CAST(j.value AS BIGINT)} JOIN entries e ON e.conversation = c.n AND e.position = c.last_message "
		"LEFT JOIN entries t ON t.conversation = e.conversation AND t.position = e.target LIMIT $2",
		DB_ARGS(db_text(numbers), db_int(most)));
	return take_lines(&r, a, most, SIZE_MAX, out, count);
}

/* ---- cursors ---- */

static enum err mark_at(struct db *d, const struct conversation *c, int64_t position, char mark[ENTRY_MARK_LEN + 1])
{
	struct db_rows r;

	*mark = '\0';
	db_query(&r, d, "SELECT mark FROM entries WHERE conversation = $1 AND position = $2", DB_ARGS(db_int(c->n), db_int(position)));
	if (db_rows_next(&r))
		snprintf(mark, ENTRY_MARK_LEN + 1, "%s", db_rows_word(&r, 0));
	return db_rows_done(&r);
}

enum err entries_holds(struct db *d, const struct conversation *c, int64_t position, const char *mark, bool *holds)
{
	char there[ENTRY_MARK_LEN + 1] = "";
	enum err e = OK;

	if (position == 0)
		snprintf(there, sizeof there, "%s", c->floor == 0 ? c->birth : "");
	else if (position <= c->length)
		e = mark_at(d, c, position, there);
	*holds = e == OK && *there && strcmp(there, mark) == 0;
	return e;
}

enum err entries_end(struct db *d, const struct conversation *c, char mark[ENTRY_MARK_LEN + 1])
{
	if (c->length > 0)
		return mark_at(d, c, c->length, mark);
	snprintf(mark, ENTRY_MARK_LEN + 1, "%s", c->birth);
	return OK;
}
