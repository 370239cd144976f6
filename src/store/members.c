/* See members.h. Called by chat/conversation and chat/membership. */
#include "store/members.h"

static enum err count_people(struct db *d, const struct conversation *c, int64_t more)
{
	return db_exec(d, NULL, "UPDATE conversations SET people = people + $2 WHERE n = $1", DB_ARGS(db_int(c->n), db_int(more)));
}

static enum err there(enum err e, int64_t changed)
{
	return e == OK && changed == 0 ? ERR_NOT_FOUND : e;
}

/* Two statements, not an upsert: SQLite would have its ABORT overrule what triggers do about conflicts of their own. */
enum err members_add(struct db *d, const struct conversation *c, const char *participant, const char *role, int64_t now, bool *added)
{
	const struct db_value n = db_int(c->n), who = db_text(participant), as = db_text(role), at = db_int(now), read = db_int(c->length),
						  last = db_int(c->last_at);
	int64_t changed = 0;
	enum err e = db_exec(d, &changed,
		"UPDATE members SET role = $3, joined_at = $4, left_at = NULL, read_to = $5, delivered_to = $5, unread = 0, last_at = $6 "
		"WHERE conversation = $1 AND participant = $2 AND left_at IS NOT NULL",
		DB_ARGS(n, who, as, at, read, last));

	if (e == OK && changed == 0)
		e = db_exec(d, &changed,
			"INSERT INTO members (conversation, participant, role, joined_at, read_to, delivered_to, last_at) "
			"SELECT $1, $2, $3, $4, $5, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM members WHERE conversation = $1 AND participant = $2)",
			DB_ARGS(n, who, as, at, read, last));
	*added = changed > 0;
	return e == OK && *added ? count_people(d, c, 1) : e;
}

enum err members_remove(struct db *d, const struct conversation *c, const char *participant, int64_t now)
{
	int64_t changed = 0;
	enum err e =
		db_exec(d, &changed, "UPDATE members SET left_at = $3, unread = 0 WHERE conversation = $1 AND participant = $2 AND left_at IS NULL",
			DB_ARGS(db_int(c->n), db_text(participant), db_int(now)));

	e = there(e, changed);
	return e == OK ? count_people(d, c, -1) : e;
}

enum err members_role(struct db *d, const struct conversation *c, const char *participant, const char *role)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed, "UPDATE members SET role = $3 WHERE conversation = $1 AND participant = $2 AND left_at IS NULL",
		DB_ARGS(db_int(c->n), db_text(participant), db_text(role)));

	return there(e, changed);
}

enum err members_silence(struct db *d, const struct conversation *c, const char *participant, int64_t until)
{
	int64_t changed = 0;
	enum err e =
		db_exec(d, &changed, "UPDATE members SET silenced_until = $3 WHERE conversation = $1 AND participant = $2 AND left_at IS NULL",
			DB_ARGS(db_int(c->n), db_text(participant), db_int(until)));

	return there(e, changed);
}

enum err members_mute(struct db *d, int64_t n, const char *participant, bool muted)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed, "UPDATE members SET muted = $3 WHERE conversation = $1 AND participant = $2 AND left_at IS NULL",
		DB_ARGS(db_int(n), db_text(participant), db_int(muted)));

	return there(e, changed);
}

enum err members_count(struct db *d, int64_t n, const char *role, int64_t *out)
{
	if (!role)
		return db_number(d, out, "SELECT people FROM conversations WHERE n = $1", DB_ARGS(db_int(n)));
	return db_number(d, out, "SELECT count(*) FROM members WHERE conversation = $1 AND left_at IS NULL AND role = $2",
		DB_ARGS(db_int(n), db_text(role)));
}

enum err members_eldest(struct db *d, struct arena *a, int64_t n, const char **participant)
{
	struct db_rows r;

	*participant = NULL;
	db_query(&r, d, "SELECT participant FROM members WHERE conversation = $1 AND left_at IS NULL ORDER BY joined_at, participant LIMIT 1",
		DB_ARGS(db_int(n)));
	if (db_rows_next(&r))
		*participant = db_rows_keep(&r, 0, a);
	return db_rows_done(&r);
}

enum err members_page(
	struct db *d, struct arena *a, int64_t n, int64_t joined_at, const char *participant, int most, struct member **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(&r, d,
		"SELECT m.participant, COALESCE(p.name, ''), m.role, m.joined_at, m.silenced_until, m.read_to, m.delivered_to FROM members m "
		"LEFT JOIN people p ON p.id = m.participant WHERE m.conversation = $1 AND m.left_at IS NULL AND (m.joined_at, m.participant) > "
		"($2, $3) "
		"ORDER BY m.joined_at, m.participant LIMIT $4",
		DB_ARGS(db_int(n), db_int(joined_at), db_text(participant), db_int(most)));
	while (*count < most && db_rows_next(&r))
		(*out)[(*count)++] = (struct member){.participant = db_rows_keep(&r, 0, a),
			.name = db_rows_keep(&r, 1, a),
			.role = db_rows_keep(&r, 2, a),
			.joined_at = db_rows_int(&r, 3),
			.silenced_until = db_rows_int(&r, 4),
			.read_to = db_rows_int(&r, 5),
			.delivered_to = db_rows_int(&r, 6)};
	return db_rows_done(&r);
}

enum err members_conversation_of(struct db *d, struct arena *a, const char *participant, const char **id)
{
	struct db_rows r;
	enum err e;

	*id = NULL;
	db_query(&r, d,
		"SELECT c.id FROM members m JOIN conversations c ON c.n = m.conversation WHERE m.participant = $1 AND m.left_at IS NULL LIMIT 1",
		DB_ARGS(db_text(participant)));
	if (db_rows_next(&r))
		*id = db_rows_keep(&r, 0, a);
	e = db_rows_done(&r);
	return e == OK && !*id ? ERR_NOT_FOUND : e;
}
