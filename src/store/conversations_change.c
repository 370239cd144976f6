/* See conversations_change.h. Called by chat/conversation, chat/membership and the worker. */
#include "base/buf.h"
#include "store/conversations_change.h"
#include "store/files.h"
#include "store/outbox.h"

/* What belongs to a conversation beside its rows here: each is asked to let it go, in the same transaction. */
typedef enum err let_go(struct db *d, const struct conversation *c, int64_t now);
static enum err let_go_of_files(struct db *d, const struct conversation *c, int64_t now)
{
	return files_release_all(d, c->id, now);
}

static let_go *const belongings[] = {let_go_of_files, NULL};

enum err conversations_update(struct db *d, const struct conversation *c)
{
	return db_exec(d, NULL, "UPDATE conversations SET title = $2, channel = $3, status = $4, metadata = $5, retention_s = $6 WHERE n = $1",
		DB_ARGS(db_int(c->n), db_text(c->title), db_text(c->channel), db_text(c->status), db_text(c->metadata),
			((struct db_value){.kind = DB_INT, .number = c->retention_s, .null = c->retention_s < 0})));
}

/* One row that says it all: nobody needs to be told of what came before it. */
static enum err leave_word(struct db *d, const struct conversation *c, int64_t now)
{
	const char *comma = "";
	struct buf people;
	struct db_rows r;
	enum err e;

	buf_init(&people, 1 << 20);
	buf_char(&people, '[');
	db_query(&r, d, "SELECT participant FROM members WHERE conversation = $1 AND left_at IS NULL ORDER BY participant LIMIT 10000",
		DB_ARGS(db_int(c->n)));
	for (; db_rows_next(&r); comma = ",") /* ids: nothing to escape */
		buf_printf(&people, "%s\"%s\"", comma, db_rows_word(&r, 0));
	buf_char(&people, ']');
	e = db_rows_done(&r);
	if (e == OK)
		e = buf_ok(&people) ? outbox_erased(d, c->id, people.data, now) : ERR_INTERNAL;
	buf_done(&people);
	return e;
}

enum err conversations_erase(struct db *d, const struct conversation *c, int64_t now)
{
	static const char *const deletions[] = {
		"DELETE FROM threads WHERE conversation = $1",
		"DELETE FROM members WHERE conversation = $1",
		"DELETE FROM conversations WHERE n = $1",
		"INSERT INTO erased (n) VALUES ($1)",
	};
	enum err e = OK;

	for (size_t i = 0; e == OK && belongings[i]; i++)
		e = belongings[i](d, c, now);
	if (e == OK)
		e = leave_word(d, c, now);
	for (size_t i = 0; e == OK && i < sizeof deletions / sizeof *deletions; i++)
		e = db_exec(d, NULL, deletions[i], DB_ARGS(db_int(c->n)));
	return e;
}

/* A portion: small, so that nobody waits long for the lock. */
struct portion {
	int most;
	int64_t deleted;
};

static enum err delete_portion(struct db *d, void *ctx)
{
	struct portion *p = ctx;

	return db_exec(d, &p->deleted,
		"DELETE FROM entries WHERE n IN (SELECT e.n FROM erased x JOIN entries e ON e.conversation = x.n LIMIT $1)",
		DB_ARGS(db_int(p->most)));
}

enum err conversations_sweep(struct db *d, int most, bool *more)
{
	struct portion p = {.most = most};
	int64_t some;
	enum err e = db_number(d, &some, "SELECT 1 FROM erased LIMIT 1", DB_NONE); /* mostly not: nobody's lock is needed to see that */

	if (e == OK && some > 0)
		e = db_write(d, delete_portion, &p);
	*more = p.deleted == most;
	return e;
}

enum err conversations_swept(struct db *d)
{
	int64_t some;
	enum err e = db_number(d, &some, "SELECT count(*) FROM erased", DB_NONE);

	if (e != OK || some == 0)
		return e;
	e = db_scrub(d, "entries");
	if (e == OK)
		e = db_exec(d, NULL, "DELETE FROM erased WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.conversation = erased.n)", DB_NONE);
	return e;
}
