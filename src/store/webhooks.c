/* The outbox of messages to MainServer: see webhooks.h. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/sip.h"
#include "store/webhooks.h"

#define COLUMNS "id, type, conversation, payload, request_id, created_at, since, next_at, attempt, state, last_error, done_at"

static void read_item(struct webhooks_item *out, const struct db_rows *r, struct arena *a)
{
	*out = (struct webhooks_item){.id = db_rows_keep(r, 0, a),
		.type = db_rows_keep(r, 1, a),
		.conversation = db_rows_keep(r, 2, a),
		.payload = db_rows_keep(r, 3, a),
		.request_id = db_rows_keep(r, 4, a),
		.created_at = db_rows_int(r, 5),
		.since = db_rows_int(r, 6),
		.next_at = db_rows_int(r, 7),
		.attempt = db_rows_int(r, 8),
		.state = db_rows_keep(r, 9, a),
		.last_error = db_rows_keep(r, 10, a),
		.done_at = db_rows_int(r, 11)};
}

/* At most room of them. */
static enum err read_items(struct db_rows *r, struct arena *a, int room, struct webhooks_item **items, int *count)
{
	*items = arena_alloc(a, (size_t)room * sizeof **items);
	*count = 0;
	while (db_rows_next(r))
		if (*count < room)
			read_item(&(*items)[(*count)++], r, a);
	return db_rows_done(r);
}

enum err webhooks_add(struct db *d, const struct webhooks_item *item)
{
	return db_exec(d, NULL,
		"INSERT INTO webhooks (id, type, conversation, payload, request_id, created_at, since, next_at) VALUES ($1, $2, $3, $4, $5, $6, "
		"$6, $7) "
		"ON CONFLICT DO NOTHING",
		DB_ARGS(db_text(item->id), db_text(item->type), db_text(item->conversation), db_text(item->payload), db_text(item->request_id),
			db_int(item->created_at), db_int(item->next_at)));
}

/* Two SipHashes with keys of their own: 128 bits, so that no two ever meet by chance. */
void webhooks_id(char out[65], const char *type, const char *conversation, int64_t created_at)
{
	static const struct sip_key keys[2] = {{0x726f6f6d2d657674, 1}, {0x726f6f6d2d657674, 2}};
	char text[300];
	int len = snprintf(text, sizeof text, "%s\n%s\n%lld", type, conversation, (long long)created_at);

	if (len >= (int)sizeof text)
		len = sizeof text - 1;
	snprintf(out, 65, "evt_%016llx%016llx", (unsigned long long)sip_hash(&keys[0], text, (size_t)len),
		(unsigned long long)sip_hash(&keys[1], text, (size_t)len));
}

enum err webhooks_claim(struct db *d, struct arena *a, int64_t now, int64_t lease_ms, int limit, struct webhooks_item **items, int *count)
{
	struct db_rows r;

	db_query(&r, d,
		"WITH due AS MATERIALIZED (SELECT id FROM webhooks WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at LIMIT $3 "
		"{postgres: FOR UPDATE SKIP LOCKED}) "
		"UPDATE webhooks SET next_at = $1 + $2, attempt = attempt + 1 WHERE id IN (SELECT id FROM due) RETURNING " COLUMNS,
		DB_ARGS(db_int(now), db_int(lease_ms), db_int(limit)));
	return read_items(&r, a, limit, items, count);
}

/* Settled by someone else, or claimed anew: nothing changed. */
static enum err settled(enum err e, int64_t changed)
{
	return e == OK && changed == 0 ? ERR_CONFLICT : e;
}

enum err webhooks_delivered(struct db *d, const char *id, int64_t attempt, int64_t now)
{
	int64_t changed;
	enum err e = db_exec(d, &changed,
		"UPDATE webhooks SET state = 'delivered', done_at = $3, last_error = NULL WHERE id = $1 AND attempt = $2 AND state = 'pending'",
		DB_ARGS(db_text(id), db_int(attempt), db_int(now)));

	return settled(e, changed);
}

enum err webhooks_failed(struct db *d, const char *id, int64_t attempt, const char *error, int64_t next_at, int64_t now)
{
	int64_t changed;
	enum err e;

	if (next_at > 0)
		e = db_exec(d, &changed, "UPDATE webhooks SET next_at = $3, last_error = $4 WHERE id = $1 AND attempt = $2 AND state = 'pending'",
			DB_ARGS(db_text(id), db_int(attempt), db_int(next_at), db_text(error)));
	else
		e = db_exec(d, &changed,
			"UPDATE webhooks SET state = 'dead', done_at = $3, last_error = $4 WHERE id = $1 AND attempt = $2 AND state = 'pending'",
			DB_ARGS(db_text(id), db_int(attempt), db_int(now), db_text(error)));
	return settled(e, changed);
}

enum err webhooks_give_up(struct db *d, int64_t before_ms, const char *error, int64_t now, int64_t *dead)
{
	return db_exec(d, dead, "UPDATE webhooks SET state = 'dead', done_at = $3, last_error = $2 WHERE state = 'pending' AND since < $1",
		DB_ARGS(db_int(before_ms), db_text(error), db_int(now)));
}

enum err webhooks_resend(struct db *d, const char *id, int64_t now, int64_t *resent)
{
	if (!id)
		return db_exec(d, resent,
			"UPDATE webhooks SET state = 'pending', done_at = NULL, attempt = 0, since = $1, next_at = $1 WHERE state = 'dead'",
			DB_ARGS(db_int(now)));
	return db_exec(d, resent,
		"UPDATE webhooks SET state = 'pending', done_at = NULL, attempt = 0, since = $2, next_at = $2 WHERE id = $1 AND state <> 'pending'",
		DB_ARGS(db_text(id), db_int(now)));
}

enum err webhooks_list(
	struct db *d, struct arena *a, const char *state, int64_t before_ms, int limit, struct webhooks_item **items, int *count)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " COLUMNS " FROM webhooks WHERE ($1 IS NULL OR state = $1) AND created_at < $2 ORDER BY created_at DESC, id LIMIT $3",
		DB_ARGS(db_text(state), db_int(before_ms > 0 ? before_ms : INT64_MAX), db_int(limit)));
	return read_items(&r, a, limit, items, count);
}

enum err webhooks_next(struct db *d, int64_t *at)
{
	return db_number(d, at, "SELECT COALESCE(min(next_at), 0) FROM webhooks WHERE state = 'pending'", DB_NONE);
}

enum err webhooks_count(struct db *d, struct webhooks_counts *out)
{
	struct db_rows r;

	*out = (struct webhooks_counts){0};
	db_query(&r, d, "SELECT state, count(*) FROM webhooks GROUP BY state", DB_NONE);
	while (db_rows_next(&r)) {
		const char *state = db_rows_word(&r, 0);
		int64_t n = db_rows_int(&r, 1);
		if (strcmp(state, "pending") == 0)
			out->pending = n;
		else if (strcmp(state, "delivered") == 0)
			out->delivered = n;
		else
			out->dead = n;
	}
	return db_rows_done(&r);
}

enum err webhooks_prune(struct db *d, int64_t before_ms, int limit, int64_t *pruned)
{
	return db_exec(d, pruned, "DELETE FROM webhooks WHERE id IN (SELECT id FROM webhooks WHERE done_at < $1 ORDER BY done_at LIMIT $2)",
		DB_ARGS(db_int(before_ms), db_int(limit)));
}
