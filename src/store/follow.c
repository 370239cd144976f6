/* See follow.h. */
#include "store/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { MARKS_MOST = 200, TEXT_MOST = 256 * 1024 };

/* ---- one reader ---- */

enum err follow_login(struct db *d, const char *login)
{
	int64_t stands;
	enum err e = db_number(d, &stands, "SELECT COUNT(*) FROM logins WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2",
		DB_ARGS(db_text(login), db_int(clock_now_ms())));

	return e == OK && stands == 0 ? ERR_UNAUTHENTICATED : e;
}

struct finding {
	const struct follow *in;
	struct arena *arena;
	struct follow_found *out;
	struct conversation c;
};

static enum err find_from(struct db *d, struct finding *f)
{
	const struct follow *in = f->in;
	struct follow_found *out = f->out;
	enum err e = OK;

	if (in->has_cursor && in->position <= f->c.length)
		e = entries_holds(d, &f->c, in->position, in->check, &out->holds);
	if (e != OK)
		return e;
	if (!out->holds) {
		out->from = f->c.length;
		return entries_end(d, &f->c, out->check);
	}
	out->from = in->position;
	snprintf(out->check, sizeof out->check, "%s", in->check);
	return OK;
}

static void add_mark(struct buf *b, const char *participant, int64_t position)
{
	if (position > 0)
		buf_printf(b, "%s\"%s\":%lld", b->len > 0 ? "," : "", participant, (long long)position);
}

/* Of those who joined first, should they be very many. */
static enum err find_marks(struct db *d, struct finding *f)
{
	struct member *members;
	struct buf read, delivered;
	int count;
	enum err e = conversations_members(d, f->arena, f->c.n, MARKS_MOST, &members, &count);

	buf_init(&read, TEXT_MOST);
	buf_init(&delivered, TEXT_MOST);
	for (int i = 0; e == OK && i < count; i++) {
		add_mark(&read, members[i].participant, members[i].read_to);
		add_mark(&delivered, members[i].participant, members[i].delivered_to);
	}
	if (e == OK) {
		struct buf all;
		buf_init(&all, 2 * TEXT_MOST);
		buf_printf(&all, ",\"read\":{%s},\"delivered\":{%s}", read.len > 0 ? read.data : "", delivered.len > 0 ? delivered.data : "");
		f->out->marks = arena_strndup(f->arena, all.data, all.len);
		buf_done(&all);
	}
	buf_done(&read);
	buf_done(&delivered);
	return e;
}

static enum err find(struct db *d, void *ctx)
{
	struct finding *f = ctx;
	struct follow_found *out = f->out;
	const struct follow *in = f->in;
	enum err e = in->login != NULL ? follow_login(d, in->login) : OK;

	memset(out, 0, sizeof *out);
	if (e == OK)
		e = conversations_get(d, f->arena, in->conversation, in->participant, &f->c);
	if (e == OK && in->thread != NULL)
		e = entries_is_thread(d, &f->c, in->thread);
	if (e == OK)
		e = find_from(d, f);
	if (e == OK && in->marks)
		e = find_marks(d, f);
	if (e != OK)
		return e;
	out->role = f->c.me.role;
	out->status = f->c.status;
	out->length = f->c.length;
	if (out->from == out->length)
		return OK;
	return entries_after(d, f->arena, &f->c, out->from, NULL, in->most, in->bytes, &out->lines, &out->count);
}

enum err follow_find(struct db *d, struct arena *a, const struct follow *f, struct follow_found *out)
{
	struct finding finding = {.in = f, .arena = a, .out = out};

	return db_read(d, find, &finding);
}

/* ---- many conversations ---- */

enum err follow_lengths(struct db *d, const char *const *conversations, int64_t *lengths, size_t count)
{
	struct buf ids;
	struct db_rows r;

	buf_init(&ids, TEXT_MOST);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&ids, "%s\"%s\"", i > 0 ? "," : "[", conversations[i]);
		lengths[i] = -1;
	}
	buf_char(&ids, ']');
	db_query(&r, d,
		"SELECT id, length FROM conversations "
		"WHERE id IN (SELECT {postgres: json_array_elements_text(CAST($1 AS json))}{sqlite: value FROM json_each($1)}) LIMIT $2",
		DB_ARGS(db_textn(ids.data, ids.len), db_int(FOLLOW_MANY)));
	while (db_rows_next(&r))
		for (size_t i = 0; i < count; i++)
			if (strcmp(conversations[i], db_rows_word(&r, 0)) == 0)
				lengths[i] = db_rows_int(&r, 1);
	enum err e = db_rows_done(&r);
	buf_done(&ids);
	return e;
}

enum err follow_entries(
	struct db *d, struct arena *a, const char *conversation, int64_t after, int most, size_t bytes, struct entry_line **lines, int *count)
{
	struct conversation c;
	enum err e = conversations_get(d, a, conversation, NULL, &c);

	if (e != OK)
		return e;
	return entries_after(d, a, &c, after > c.floor ? after : c.floor, NULL, most, bytes, lines, count);
}
