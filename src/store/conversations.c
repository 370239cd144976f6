/* Lasting conversations as everybody reads and locks them: see conversations.h. What makes and changes them is in files of its own. */
#include "store/conversations_row.h"

#define MEMBER_COLUMNS \
	"m.participant, COALESCE(p.name, ''), m.role, m.joined_at, m.left_at, m.muted, m.silenced_until, m.read_to, m.delivered_to, " \
	"m.unread, m.rate"

void conversation_row_read(struct conversation *out, const struct db_rows *r, struct arena *a)
{
	*out = (struct conversation){
		.n = db_rows_int(r, 0),
		.id = db_rows_keep(r, 1, a),
		.type = db_rows_keep(r, 2, a),
		.channel = db_rows_keep(r, 3, a),
		.status = db_rows_keep(r, 4, a),
		.title = db_rows_keep(r, 5, a),
		.pair = db_rows_keep(r, 6, a),
		.made_as = db_rows_keep(r, 7, a),
		.metadata = db_rows_keep(r, 8, a),
		.made_by = db_rows_keep(r, 9, a),
		.made_at = db_rows_int(r, 10),
		.last_at = db_rows_int(r, 11),
		.retention_s = db_rows_null(r, 12) ? -1 : db_rows_int(r, 12),
		.birth = db_rows_keep(r, 13, a),
		.salt = db_rows_keep(r, 14, a),
		.length = db_rows_int(r, 15),
		.floor = db_rows_int(r, 16),
		.first_message = db_rows_int(r, 17),
		.last_message = db_rows_int(r, 18),
	};
}

static void read_member(const struct db_rows *r, struct arena *a, struct member *out)
{
	*out = (struct member){
		.participant = db_rows_keep(r, 0, a),
		.name = db_rows_keep(r, 1, a),
		.role = db_rows_keep(r, 2, a),
		.joined_at = db_rows_int(r, 3),
		.left_at = db_rows_int(r, 4),
		.muted = db_rows_int(r, 5) != 0,
		.silenced_until = db_rows_int(r, 6),
		.read_to = db_rows_int(r, 7),
		.delivered_to = db_rows_int(r, 8),
		.unread = db_rows_int(r, 9),
		.rate = db_rows_keep(r, 10, a),
	};
}

enum err conversations_member(struct db *d, struct arena *a, int64_t n, const char *participant, struct member *out)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " MEMBER_COLUMNS
		" FROM members m LEFT JOIN people p ON p.id = m.participant WHERE m.conversation = $1 AND m.participant = $2 "
		"AND m.left_at IS NULL",
		DB_ARGS(db_int(n), db_text(participant)));
	if (db_rows_next(&r))
		read_member(&r, a, out);
	return db_rows_found(&r);
}

static enum err get(struct db *d, struct arena *a, const char *sql, const char *id, const char *participant, struct conversation *out)
{
	struct db_rows r;
	enum err e;

	db_query(&r, d, sql, DB_ARGS(db_text(id)));
	if (db_rows_next(&r))
		conversation_row_read(out, &r, a);
	e = db_rows_found(&r);
	/* A statement of its own: who waited for the lock must see the member as he is after it. */
	return e == OK && participant ? conversations_member(d, a, out->n, participant, &out->me) : e;
}

enum err conversations_get(struct db *d, struct arena *a, const char *id, const char *participant, struct conversation *out)
{
	return get(d, a, "SELECT " CONVERSATION_COLUMNS " FROM conversations c WHERE c.id = $1", id, participant, out);
}

enum err conversations_lock(struct db *d, struct arena *a, const char *id, const char *participant, struct conversation *out)
{
	return get(d, a, "SELECT " CONVERSATION_COLUMNS " FROM conversations c WHERE c.id = $1 {postgres: FOR UPDATE}", id, participant, out);
}

static enum err read_members(struct db_rows *r, struct arena *a, int most, struct member **out, int *count)
{
	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	while (db_rows_next(r))
		if (*count < most)
			read_member(r, a, &(*out)[(*count)++]);
	return db_rows_done(r);
}

enum err conversations_some(struct db *d, struct arena *a, int64_t n, const char *ids, int most, struct member **out, int *count)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " MEMBER_COLUMNS
		" FROM {sqlite: json_each($2)}{postgres: json_array_elements_text(CAST($2 AS json))} AS j {sqlite: CROSS }JOIN members m ON "
		"m.conversation = $1 AND m.participant = j.value AND m.left_at IS NULL LEFT JOIN people p ON p.id = m.participant LIMIT $3",
		DB_ARGS(db_int(n), db_text(ids), db_int(most)));
	return read_members(&r, a, most, out, count);
}

enum err conversations_members(struct db *d, struct arena *a, int64_t n, int most, struct member **out, int *count)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " MEMBER_COLUMNS
		" FROM members m LEFT JOIN people p ON p.id = m.participant WHERE m.conversation = $1 AND m.left_at IS NULL "
		"ORDER BY m.joined_at, m.participant LIMIT $2",
		DB_ARGS(db_int(n), db_int(most)));
	return read_members(&r, a, most, out, count);
}

enum err conversations_ids(struct db *d, struct arena *a, int64_t n, int most, const char ***out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(
		&r, d, "SELECT participant FROM members WHERE conversation = $1 AND left_at IS NULL LIMIT $2", DB_ARGS(db_int(n), db_int(most)));
	while (db_rows_next(&r))
		if (*count < most)
			(*out)[(*count)++] = db_rows_keep(&r, 0, a);
	return db_rows_done(&r);
}
