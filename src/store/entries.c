/* What is written to the log of a lasting conversation: see entries.h. Reading is in entries_read.c. */
#include "store/entries.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/files.h"
#include "store/search.h"

/* ---- appending ---- */

static enum err put_event(struct db *d, struct conversation *c, const char *event, const char *data, int64_t now)
{
	char mark[ENTRY_MARK_LEN + 1];

	id_hex(mark, ENTRY_MARK_LEN);
	c->length++;
	return db_exec(d, NULL,
		"INSERT INTO entries (conversation, position, mark, at, kind, event, data) VALUES ($1, $2, $3, $4, 's', $5, $6)",
		DB_ARGS(db_int(c->n), db_int(c->length), db_text(mark), db_int(now), db_text(event), db_text(data)));
}

static enum err put_marker(struct db *d, struct conversation *c, const char *kind, int64_t target, int64_t now)
{
	char mark[ENTRY_MARK_LEN + 1];

	id_hex(mark, ENTRY_MARK_LEN);
	c->length++;
	c->last_at = now;
	return db_exec(d, NULL, "INSERT INTO entries (conversation, position, mark, at, kind, target) VALUES ($1, $2, $3, $4, $5, $6)",
		DB_ARGS(db_int(c->n), db_int(c->length), db_text(mark), db_int(now), db_text(kind), db_int(target)));
}

enum err entries_put_event(struct db *d, struct conversation *c, const char *event, const char *data, int64_t now)
{
	return put_event(d, c, event, data, now);
}

static enum err count_in_thread(struct db *d, const struct conversation *c, const char *thread, int64_t messages, int64_t now)
{
	return db_exec(d, NULL, "UPDATE threads SET messages = messages + $3, last_at = $4 WHERE conversation = $1 AND id = $2",
		DB_ARGS(db_int(c->n), db_text(thread), db_int(messages), db_int(now)));
}

enum err entries_put_message(struct db *d, struct conversation *c, struct entry_new *n)
{
	struct arena a;
	enum err e;

	arena_init(&a);
	id_hex(n->mark, ENTRY_MARK_LEN);
	n->position = ++c->length;
	if (c->first_message == 0)
		c->first_message = n->position;
	c->last_message = n->position;
	c->last_at = n->at;
	e = db_exec(d, NULL,
		"INSERT INTO entries (conversation, position, mark, at, kind, sender, role, type, client_id, print, reply_to, thread, content, "
		"metadata, words) "
		"VALUES ($1, $2, $3, $4, 'm', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		DB_ARGS(db_int(c->n), db_int(n->position), db_text(n->mark), db_int(n->at), db_text(n->sender), db_text(n->role), db_text(n->type),
			db_text(n->client_id), db_text(n->print), db_time(n->reply_to), db_text(n->thread), db_textn(n->content, n->content_len),
			db_text(n->metadata), db_text(search_message_words(&a, c->n, n->content, n->content_len))));
	arena_done(&a);
	return e == OK && n->thread ? count_in_thread(d, c, n->thread, 1, n->at) : e;
}

static enum err settle_outbox(struct db *d, const struct conversation *c, int64_t from)
{
	if (from >= c->length)
		return OK;
	return db_exec(d, NULL,
		"WITH RECURSIVE p (n) AS (SELECT $2 + 1 UNION ALL SELECT n + 1 FROM p WHERE n < $3) "
		"INSERT INTO outbox (conversation, position, at) SELECT $1, n, $4 FROM p",
		DB_ARGS(db_text(c->id), db_int(from), db_int(c->length), db_int(clock_now_ms())));
}

/* One update of each row: PostgreSQL keeps every version of it until it is vacuumed. */
#define OWN(n) "{sqlite: json_extract($4, '$.\"' || participant || '\"[" n "]')}{postgres: (CAST($4 AS jsonb) -> participant ->> " n ")}"

enum err entries_settle(struct db *d, const struct conversation *c, int64_t from, int64_t messages, const char *own)
{
	enum err e = db_exec(d, NULL,
		"UPDATE conversations SET length = $2, first_message = $3, last_message = $4, last_at = $5, status = $6 WHERE n = $1",
		DB_ARGS(
			db_int(c->n), db_int(c->length), db_int(c->first_message), db_int(c->last_message), db_int(c->last_at), db_text(c->status)));

	if (e == OK)
		e = settle_outbox(d, c, from);
	if (e == OK)
		e = db_exec(d, NULL,
			"UPDATE members SET unread = unread + $2 - COALESCE(CAST(" OWN("0") " AS BIGINT), 0), rate = COALESCE(" OWN(
				"1") ", rate), last_at = $3 "
					 "WHERE conversation = $1 AND left_at IS NULL",
			DB_ARGS(db_int(c->n), db_int(messages), db_int(c->last_at), db_text(own)));
	return e;
}

enum err entries_rate(struct db *d, const struct conversation *c, const char *participant, const char *rate)
{
	return db_exec(d, NULL, "UPDATE members SET rate = $3 WHERE conversation = $1 AND participant = $2",
		DB_ARGS(db_int(c->n), db_text(participant), db_text(rate)));
}

enum err entries_event(struct db *d, struct conversation *c, const char *event, const char *data, int64_t now, int64_t *position)
{
	int64_t from = c->length;
	enum err e = put_event(d, c, event, data, now);

	if (e == OK)
		e = db_exec(d, NULL, "UPDATE conversations SET length = $2 WHERE n = $1", DB_ARGS(db_int(c->n), db_int(c->length)));
	if (e == OK)
		e = settle_outbox(d, c, from);
	if (position)
		*position = c->length;
	return e;
}

/* ---- what may be said ---- */

enum err entries_known(
	struct db *d, struct arena *a, const struct conversation *c, const char *pairs, int most, struct entry_known **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	/* From the few pairs to the many entries, whatever the planner believes. */
	db_query(&r, d,
		"SELECT e.sender, e.client_id, e.print, e.position, e.at, e.mark FROM "
		"{sqlite: json_each($2) AS j CROSS JOIN entries e ON e.conversation = $1 AND e.sender = json_extract(j.value, '$[0]') AND "
		"e.client_id = json_extract(j.value, '$[1]') AND e.client_id IS NOT NULL}"
		"{postgres: json_array_elements(CAST($2 AS json)) AS j CROSS JOIN LATERAL (SELECT * FROM entries WHERE conversation = $1 AND "
		"sender = j.value ->> 0 AND client_id = j.value ->> 1 AND client_id IS NOT NULL LIMIT 1) AS e} LIMIT $3",
		DB_ARGS(db_int(c->n), db_text(pairs), db_int(most)));
	while (db_rows_next(&r)) {
		struct entry_known *k = &(*out)[*count];
		if (*count == most)
			continue;
		++*count;
		k->sender = db_rows_keep(&r, 0, a);
		k->client_id = db_rows_keep(&r, 1, a);
		k->print = db_rows_keep(&r, 2, a);
		k->position = db_rows_int(&r, 3);
		k->at = db_rows_int(&r, 4);
		snprintf(k->mark, sizeof k->mark, "%s", db_rows_word(&r, 5));
	}
	return db_rows_done(&r);
}

static enum err there(enum err e, int64_t n)
{
	return e == OK && n == 0 ? ERR_NOT_FOUND : e;
}

enum err entries_is_message(struct db *d, const struct conversation *c, int64_t position)
{
	int64_t n;
	enum err e = db_number(
		d, &n, "SELECT 1 FROM entries WHERE conversation = $1 AND position = $2 AND kind = 'm'", DB_ARGS(db_int(c->n), db_int(position)));

	return there(e, n);
}

enum err entries_is_thread(struct db *d, const struct conversation *c, const char *thread)
{
	int64_t n;
	enum err e = db_number(d, &n, "SELECT 1 FROM threads WHERE conversation = $1 AND id = $2", DB_ARGS(db_int(c->n), db_text(thread)));

	return there(e, n);
}

/* ---- changing ---- */

enum err entries_state(struct db *d, const struct conversation *c, int64_t position, struct entry_state *out)
{
	struct db_rows r;

	db_query(&r, d, "SELECT sender, thread, deleted_at, edits FROM entries WHERE conversation = $1 AND position = $2 AND kind = 'm'",
		DB_ARGS(db_int(c->n), db_int(position)));
	if (db_rows_next(&r)) {
		snprintf(out->sender, sizeof out->sender, "%s", db_rows_word(&r, 0));
		snprintf(out->thread, sizeof out->thread, "%s", db_rows_word(&r, 1));
		out->deleted_at = db_rows_int(&r, 2);
		out->edits = db_rows_int(&r, 3);
	}
	return db_rows_found(&r);
}

enum err entries_edit(
	struct db *d, struct conversation *c, int64_t position, const char *content, size_t len, const char *metadata, int64_t now)
{
	struct arena a;
	enum err e;

	arena_init(&a);
	e = db_exec(d, NULL,
		"UPDATE entries SET content = $3, metadata = COALESCE($4, metadata), edited_at = $5, edits = edits + 1, words = $6 WHERE "
		"conversation = $1 AND position = $2",
		DB_ARGS(db_int(c->n), db_int(position), db_textn(content, len), db_text(metadata), db_int(now),
			db_text(search_message_words(&a, c->n, content, len))));
	arena_done(&a);
	return e == OK ? put_marker(d, c, "e", position, now) : e;
}

enum err entries_delete(struct db *d, struct conversation *c, int64_t position, const struct entry_state *was, int64_t now)
{
	enum err e = db_exec(d, NULL,
		"UPDATE entries SET content = NULL, metadata = NULL, edited_at = NULL, deleted_at = $3 WHERE conversation = $1 AND position = $2",
		DB_ARGS(db_int(c->n), db_int(position), db_int(now)));

	if (e == OK)
		e = db_exec(d, NULL,
			"UPDATE members SET unread = unread - 1 WHERE conversation = $1 AND read_to < $2 AND participant <> $3 AND left_at IS NULL",
			DB_ARGS(db_int(c->n), db_int(position), db_text(was->sender)));
	if (e == OK && was->thread[0])
		e = count_in_thread(d, c, was->thread, -1, now);
	if (e == OK)
		e = files_release(d, c->id, position, now);
	return e == OK ? put_marker(d, c, "d", position, now) : e;
}

/* ---- marks ---- */

/* Messages of others in (after, to] that are not deleted. */
static enum err count_unread(struct db *d, const struct conversation *c, const char *participant, int64_t after, int64_t to, int64_t *out)
{
	*out = 0;
	if (after >= to)
		return OK;
	return db_number(d, out,
		"SELECT count(*) FROM entries {sqlite: INDEXED BY entries_readable }WHERE conversation = $1 AND position > $2 AND position <= $3 "
		"AND "
		"sender <> $4 AND kind = 'm' AND deleted_at IS NULL",
		DB_ARGS(db_int(c->n), db_int(after), db_int(to), db_text(participant)));
}

/* Counts whichever side of the new mark is shorter. */
static enum err unread_at(struct db *d, const struct conversation *c, const struct member *me, int64_t position, int64_t *out)
{
	int64_t passed;
	enum err e;

	if (c->length - position <= position - me->read_to)
		return count_unread(d, c, me->participant, position, c->length, out);
	e = count_unread(d, c, me->participant, me->read_to, position, &passed);
	*out = me->unread - passed;
	return e;
}

enum err entries_mark(struct db *d, const struct conversation *c, struct member *me, int64_t position, bool delivered_only, bool *moved)
{
	struct member now = *me;
	enum err e = OK;

	if (position > now.delivered_to)
		now.delivered_to = position;
	if (!delivered_only && position > now.read_to) {
		e = unread_at(d, c, me, position, &now.unread);
		now.read_to = position;
	}
	*moved = now.delivered_to != me->delivered_to || now.read_to != me->read_to;
	if (e != OK || !*moved)
		return e;
	*me = now;
	return db_exec(d, NULL, "UPDATE members SET read_to = $3, delivered_to = $4, unread = $5 WHERE conversation = $1 AND participant = $2",
		DB_ARGS(db_int(c->n), db_text(me->participant), db_int(me->read_to), db_int(me->delivered_to), db_int(me->unread)));
}
