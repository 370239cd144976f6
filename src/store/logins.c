/* See logins.h. */
#include <stdio.h>

#include "store/logins.h"

/* Room for all ids that a statement may give, and one more. */
static const char **room_for(struct arena *a, int most)
{
	return arena_alloc(a, sizeof(const char *) * ((size_t)most + 1));
}

static enum err take_ids(struct db_rows *r, struct arena *a, const char **ids, int most, int *count)
{
	*count = 0;
	while (*count < most && db_rows_next(r))
		ids[(*count)++] = db_rows_keep(r, 0, a);
	return db_rows_done(r);
}

struct adding {
	const char *id, *person;
	int64_t now;
	struct arena *arena;
	const char **ids;
	int count;
};

static enum err add(struct db *d, void *ctx)
{
	struct adding *n = ctx;
	struct db_rows r;
	enum err e = db_exec(d, NULL, "INSERT INTO logins (id, person, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		DB_ARGS(db_text(n->id), db_text(n->person), db_int(n->now), db_int(n->now + LOGIN_LIFE_MS)));

	if (e != OK)
		return e;
	db_query(&r, d,
		"UPDATE logins SET revoked_at = $2 WHERE person = $1 AND revoked_at IS NULL AND id NOT IN "
		"(SELECT id FROM logins WHERE person = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id LIMIT $3) RETURNING id",
		DB_ARGS(db_text(n->person), db_int(n->now), db_int(LOGINS_MOST)));
	return take_ids(&r, n->arena, n->ids, 2 * LOGINS_MOST, &n->count);
}

enum err logins_add(struct db *d, struct arena *a, const char *id, const char *person, int64_t now, const char ***ids, int *count)
{
	struct adding n = {.id = id, .person = person, .now = now, .arena = a, .ids = room_for(a, 2 * LOGINS_MOST)};
	enum err e = db_write(d, add, &n);

	*ids = n.ids;
	*count = e == OK ? n.count : 0;
	return e;
}

enum err logins_get(struct db *d, const char *id, int64_t now, char person[ID_MAX + 1], int64_t *expires_at)
{
	struct db_rows r;
	bool stands = false;
	enum err e;

	db_query(&r, d, "SELECT person, expires_at FROM logins WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2",
		DB_ARGS(db_text(id), db_int(now)));
	if (db_rows_next(&r)) {
		stands = true;
		snprintf(person, ID_MAX + 1, "%s", db_rows_word(&r, 0));
		*expires_at = db_rows_int(&r, 1);
	}
	e = db_rows_done(&r);
	if (e != OK)
		return e;
	if (!stands)
		return ERR_UNAUTHENTICATED;
	if (*expires_at < now + LOGIN_LIFE_MS - LOGIN_MOVE_MS) {
		e = db_exec(d, NULL, "UPDATE logins SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL AND expires_at < $2",
			DB_ARGS(db_text(id), db_int(now + LOGIN_LIFE_MS)));
		if (e == OK)
			*expires_at = now + LOGIN_LIFE_MS;
	}
	return OK; /* it stands, whether or not that could be noted */
}

enum err logins_revoke(struct db *d, const char *id, int64_t now)
{
	return db_exec(d, NULL, "UPDATE logins SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", DB_ARGS(db_text(id), db_int(now)));
}

enum err logins_revoke_all(struct db *d, struct arena *a, const char *person, const char *but, int64_t now, const char ***ids, int *count)
{
	struct db_rows r;

	*ids = room_for(a, 2 * LOGINS_MOST);
	db_query(&r, d, "UPDATE logins SET revoked_at = $3 WHERE person = $1 AND id <> $2 AND revoked_at IS NULL RETURNING id",
		DB_ARGS(db_text(person), db_text(but), db_int(now)));
	return take_ids(&r, a, *ids, 2 * LOGINS_MOST, count);
}

enum err logins_revoked(struct db *d, struct arena *a, int64_t since, const char *from, int most, const char ***ids, int *count)
{
	struct db_rows r;

	*ids = room_for(a, most);
	db_query(&r, d, "SELECT id FROM logins WHERE revoked_at > $1 AND id > $2 ORDER BY id LIMIT $3",
		DB_ARGS(db_int(since), db_text(from), db_int(most)));
	return take_ids(&r, a, *ids, most, count);
}

enum err logins_prune(struct db *d, int64_t now, int64_t revoked_before, int most, int64_t *pruned)
{
	return db_exec(d, pruned,
		"DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE expires_at <= $1 LIMIT $3) "
		"OR id IN (SELECT id FROM logins WHERE revoked_at <= $2 LIMIT $3)",
		DB_ARGS(db_int(now), db_int(revoked_before), db_int(most)));
}
