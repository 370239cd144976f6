/* See accounts.h. */
#include <string.h>

#include "store/accounts.h"
#include "store/people.h"

bool accounts_fold(char out[ACCOUNT_LOGIN_MAX + 1], const char *typed)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._@+-";
	size_t len = strlen(typed);

	if (len < 3 || len > ACCOUNT_LOGIN_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		out[i] = (char)(typed[i] >= 'A' && typed[i] <= 'Z' ? typed[i] - 'A' + 'a' : typed[i]);
	return strspn(out, letters) == len;
}

struct making {
	const char *id, *login, *password, *name;
	int64_t now;
};

/* Where the login is taken, two rows are written all the same, as they were: a commit that writes nothing would be the faster one. */
static enum err make(struct db *d, void *ctx)
{
	const struct making *m = ctx;
	int64_t made = 0;
	enum err e;

	e = db_exec(d, &made, "INSERT INTO accounts (id, login, password, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (login) DO NOTHING",
		DB_ARGS(db_text(m->id), db_text(m->login), db_text(m->password), db_int(m->now)));
	if (e == OK && !made)
		e = db_exec(d, NULL, "UPDATE accounts SET created_at = created_at WHERE login = $1", DB_ARGS(db_text(m->login)));
	if (e != OK)
		return e;
	if (made)
		return db_exec(d, NULL, "INSERT INTO people (id, name, seen_at) VALUES ($1, $2, $3)",
			DB_ARGS(db_text(m->id), db_text(m->name), db_int(m->now)));
	return db_exec(
		d, NULL, "UPDATE people SET seen_at = seen_at WHERE id = (SELECT id FROM accounts WHERE login = $1)", DB_ARGS(db_text(m->login)));
}

enum err accounts_make(struct db *d, const char *id, const char *login, const char *password, const char *name, int64_t now)
{
	struct making m = {id, login, password, name, now};

	return db_write(d, make, &m);
}

#define COLUMNS \
	"SELECT a.id, a.login, a.password, COALESCE(p.name, ''), a.created_at FROM accounts a LEFT JOIN people p ON p.id = a.id WHERE "

static enum err one(struct db_rows *r, struct arena *a, struct account *out)
{
	if (db_rows_next(r))
		*out =
			(struct account){db_rows_keep(r, 0, a), db_rows_keep(r, 1, a), db_rows_keep(r, 2, a), db_rows_keep(r, 3, a), db_rows_int(r, 4)};
	return db_rows_found(r);
}

enum err accounts_by_login(struct db *d, struct arena *a, const char *login, struct account *out)
{
	struct db_rows r;

	db_query(&r, d, COLUMNS "a.login = $1", DB_ARGS(db_text(login)));
	return one(&r, a, out);
}

enum err accounts_by_id(struct db *d, struct arena *a, const char *id, struct account *out)
{
	struct db_rows r;

	db_query(&r, d, COLUMNS "a.id = $1", DB_ARGS(db_text(id)));
	return one(&r, a, out);
}

enum err accounts_password(struct db *d, const char *id, const char *was, const char *password)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed, "UPDATE accounts SET password = $3 WHERE id = $1 AND password = $2",
		DB_ARGS(db_text(id), db_text(was), db_text(password)));

	return e == OK && !changed ? ERR_CONFLICT : e;
}

enum err accounts_delete(struct db *d, const char *id)
{
	enum err e = db_exec(d, NULL, "DELETE FROM accounts WHERE id = $1", DB_ARGS(db_text(id)));

	return e == OK ? people_rename(d, id, "") : e;
}
