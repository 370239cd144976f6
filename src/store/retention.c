/* See retention.h. For the job `retention`, and `room doctor --residue`. */
#include <stdio.h>

#include "store/entries.h"
#include "store/files.h"
#include "store/retention.h"

/* How long this one keeps its messages, 0 for ever: $1 is the setting. */
#define KEEPS "COALESCE(c.retention_s, $1)"

enum err retention_due(struct db *d, struct arena *a, int64_t now, int64_t setting_s, int most, int64_t *n, const char ***ids, int *count)
{
	struct db_rows r;
	int rows = 0;
	enum err e;

	*ids = arena_alloc(a, (size_t)most * sizeof **ids);
	*count = 0;
	/* Where the setting keeps everything, only those that say otherwise are looked at. */
	db_query(&r, d,
		setting_s > 0
			? "SELECT c.n, c.id, " KEEPS ", e.at FROM conversations c LEFT JOIN entries e ON e.conversation = c.n AND e.position = "
			  "c.first_message WHERE c.n > $2 ORDER BY c.n LIMIT $3"
			: "SELECT c.n, c.id, " KEEPS ", e.at FROM conversations c LEFT JOIN entries e ON e.conversation = c.n AND e.position = "
			  "c.first_message WHERE c.n > $2 AND c.retention_s IS NOT NULL ORDER BY c.n LIMIT $3",
		DB_ARGS(db_int(setting_s), db_int(*n), db_int(most)));
	while (rows < most && db_rows_next(&r)) {
		int64_t keeps_s = db_rows_int(&r, 2);
		rows++;
		*n = db_rows_int(&r, 0);
		if (keeps_s > 0 && !db_rows_null(&r, 3) && db_rows_int(&r, 3) < now - keeps_s * 1000)
			(*ids)[(*count)++] = db_rows_keep(&r, 1, a);
	}
	e = db_rows_done(&r);
	if (rows < most)
		*n = 0;
	return e;
}

enum err retention_overdue(struct db *d, int64_t before_ms, int64_t setting_s, int64_t *count)
{
	return db_number(d, count,
		"SELECT count(*) FROM conversations c JOIN entries e ON e.conversation = c.n AND e.position = c.first_message WHERE " KEEPS
		" > 0 AND e.at < $2 - " KEEPS " * 1000",
		DB_ARGS(db_int(setting_s), db_int(before_ms)));
}

/* ---- one conversation ---- */

struct erasing {
	const char *id;
	int64_t now, setting_s, cutoff;
	int most;
	int64_t to;   /* the position up to which all goes */
	bool stopped; /* the entry after it is young enough */
	bool more;    /* of the last attempt, as erased */
	int64_t erased;
};

/* Times don't go back along a log (if a clock did, the younger entry is waited for). */
static enum err find_end(struct db *d, const struct conversation *c, struct erasing *x)
{
	int64_t stop;
	enum err e;

	x->to = c->floor + x->most < c->length ? c->floor + x->most : c->length;
	e = db_number(d, &stop, "SELECT min(position) FROM entries WHERE conversation = $1 AND position > $2 AND position <= $3 AND at >= $4",
		DB_ARGS(db_int(c->n), db_int(c->floor), db_int(x->to), db_int(x->cutoff)));
	x->stopped = stop > 0;
	if (x->stopped)
		x->to = stop - 1;
	return e;
}

/* What was counted and goes is taken back; then it goes. Threads live as long as there is a message in them, or below them; one without any goes in its own time.
 * $1 conversation, $2 floor, $3 to, $4 cutoff. */
static enum err erase_rows(struct db *d, const struct conversation *c, struct erasing *x)
{
	static const char *const statements[] = {
		"UPDATE members SET unread = unread - (SELECT count(*) FROM entries e WHERE e.conversation = $1 AND e.position > $2 AND e.position "
		"<= $3 "
		"AND e.position > members.read_to AND e.sender <> members.participant AND e.kind = 'm' AND e.deleted_at IS NULL) "
		"WHERE conversation = $1 AND left_at IS NULL AND unread > 0 AND read_to < $3",
		"UPDATE threads SET messages = messages - (SELECT count(*) FROM entries e WHERE e.conversation = $1 AND e.thread = threads.id AND "
		"e.position > "
		"$2 AND e.position <= $3 AND e.kind = 'm' AND e.deleted_at IS NULL) WHERE conversation = $1 AND messages > 0",
		"UPDATE threads SET root = NULL WHERE conversation = $1 AND root <= $3",
	};
	static const char thread_gone[] = "DELETE FROM threads WHERE conversation = $1 AND messages = 0 AND last_at < $2 AND NOT EXISTS "
									  "(SELECT 1 FROM threads t WHERE t.conversation = threads.conversation AND t.parent = threads.id)";
	enum err e = OK;

	for (size_t i = 0; e == OK && i < sizeof statements / sizeof *statements; i++)
		e = db_exec(d, NULL, statements[i], DB_ARGS(db_int(c->n), db_int(c->floor), db_int(x->to)));
	if (e == OK)
		e = db_exec(d, NULL, thread_gone, DB_ARGS(db_int(c->n), db_int(x->cutoff)));
	if (e == OK)
		e = files_release_to(d, c->id, x->to, x->now);
	if (e == OK)
		e = db_exec(d, &x->erased, "DELETE FROM entries WHERE conversation = $1 AND position > $2 AND position <= $3",
			DB_ARGS(db_int(c->n), db_int(c->floor), db_int(x->to)));
	return e;
}

/* The conversation's own row, and whether there is more. */
static enum err move_floor(struct db *d, struct conversation *c, struct erasing *x)
{
	int64_t first_at = 0;
	enum err e = db_number(d, &c->first_message,
		"SELECT min(position) FROM entries WHERE conversation = $1 AND position > $2 AND kind = 'm'", DB_ARGS(db_int(c->n), db_int(x->to)));

	if (e == OK && c->first_message > 0)
		e = db_number(d, &first_at, "SELECT at FROM entries WHERE conversation = $1 AND position = $2",
			DB_ARGS(db_int(c->n), db_int(c->first_message)));
	if (c->last_message <= x->to)
		c->last_message = 0;
	c->floor = x->to;
	x->more = !x->stopped && c->first_message > 0 && first_at < x->cutoff;
	return e == OK ? db_exec(d, NULL, "UPDATE conversations SET floor = $2, first_message = $3, last_message = $4 WHERE n = $1",
						 DB_ARGS(db_int(c->n), db_int(c->floor), db_int(c->first_message), db_int(c->last_message)))
				   : e;
}

/* Is its first message past its time? (Entries that are no messages don't go by themselves.) */
static enum err is_due(struct db *d, const struct conversation *c, struct erasing *x, bool *due)
{
	int64_t keeps_s = c->retention_s >= 0 ? c->retention_s : x->setting_s, at;
	enum err e;

	x->cutoff = x->now - keeps_s * 1000;
	*due = false;
	if (keeps_s == 0 || c->first_message == 0)
		return OK;
	e = db_number(
		d, &at, "SELECT at FROM entries WHERE conversation = $1 AND position = $2", DB_ARGS(db_int(c->n), db_int(c->first_message)));
	*due = e == OK && at < x->cutoff;
	return e;
}

static enum err erase_front(struct db *d, struct arena *a, struct erasing *x)
{
	struct conversation c;
	char data[64];
	bool due = false;
	enum err e;

	x->more = false;
	x->erased = 0;
	e = conversations_lock(d, a, x->id, NULL, &c);
	if (e == ERR_NOT_FOUND)
		return OK;
	if (e == OK)
		e = is_due(d, &c, x, &due);
	if (e != OK || !due)
		return e;
	e = find_end(d, &c, x);
	if (e == OK && x->to > c.floor)
		e = erase_rows(d, &c, x);
	if (e == OK && x->to > c.floor)
		e = move_floor(d, &c, x);
	if (e != OK || x->more || x->erased == 0)
		return e;
	snprintf(data, sizeof data, "{\"upTo\":%lld}", (long long)c.floor);
	return entries_event(d, &c, "history:erased", data, x->now, NULL);
}

static enum err erase(struct db *d, void *ctx)
{
	struct arena a;
	enum err e;

	arena_init(&a);
	e = erase_front(d, &a, ctx);
	arena_done(&a);
	return e;
}

enum err retention_erase(struct db *d, const char *id, int64_t now, int64_t setting_s, int most, bool *more, int64_t *erased)
{
	struct erasing x = {.id = id, .now = now, .setting_s = setting_s, .most = most};
	enum err e = db_write(d, erase, &x);

	*more = e == OK && x.more;
	*erased = e == OK ? x.erased : 0;
	return e;
}
