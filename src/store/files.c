/* See files.h: what people do with files. Their end is in files_gone.c. */
#include "store/files.h"

#include <string.h>

#include "store/files_row.h"

#define IDS_MOST 16

enum err files_room(struct db *d, const char *conversation, const char *owner, struct files_most most)
{
	int64_t unsent, all;
	enum err e =
		db_number(d, &unsent, "SELECT count(*) FROM files WHERE conversation = $1 AND message = 0 AND owner = $2 AND state <> 'gone'",
			DB_ARGS(db_text(conversation), db_text(owner)));

	if (e == OK)
		e = db_number(d, &all, "SELECT count(*) FROM files WHERE conversation = $1 AND state <> 'gone'", DB_ARGS(db_text(conversation)));
	if (e != OK)
		return e;
	return unsent >= most.unsent ? ERR_CONFLICT : all >= most.files ? ERR_TOO_LARGE : OK;
}

/* ---- coming ---- */

struct coming {
	struct file_row *f;
	struct arena *a;
	struct files_most most;
	int64_t now;
	bool there;
};

/* Bytes like these, of a file that stays for as long as this transaction lasts. */
static enum err find_same(struct db *d, struct coming *c)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT blob, sealed_with, outside FROM files WHERE conversation = $1 AND hash = $2 AND state = 'kept' LIMIT 1 {postgres: FOR "
		"UPDATE}",
		DB_ARGS(db_text(c->f->conversation), db_text(c->f->hash)));
	c->there = db_rows_next(&r);
	if (c->there) {
		c->f->blob = db_rows_keep(&r, 0, c->a);
		c->f->sealed_with = db_rows_keep(&r, 1, c->a);
		c->f->outside = db_rows_int(&r, 2) != 0;
	}
	return db_rows_done(&r);
}

static enum err come(struct db *d, void *ctx)
{
	struct coming *c = ctx;
	struct file_row *f = c->f;
	enum err e = OK;

	c->there = false;
	f->blob = f->id;
	f->sealed_with = NULL;
	if (!f->session) {
		struct conversation conversation;
		e = conversations_lock(d, c->a, f->conversation, f->owner, &conversation);
		if (e == OK)
			e = files_room(d, f->conversation, f->owner, c->most); /* others may have come while this one's bytes did */
		if (e == OK)
			e = find_same(d, c);
	}
	if (e != OK)
		return e;
	return db_exec(d, NULL,
		"INSERT INTO files (id, conversation, session, state, at, blob, owner, hash, size, sealed_with, shown, outside) VALUES ($1, $2, "
		"$3, $4, $5, "
		"$6, "
		"$7, $8, $9, $10, $11, $12)",
		DB_ARGS(db_text(f->id), db_text(f->conversation), db_int(f->session), db_text(c->there ? "kept" : "coming"), db_int(c->now),
			db_text(f->blob), db_text(f->session ? "" : f->owner), db_text(f->hash), db_int(f->size), db_text(f->sealed_with),
			db_text(f->shown), db_int(f->outside)));
}

enum err files_come(struct db *d, struct arena *a, struct file_row *f, struct files_most most, int64_t now, bool *there)
{
	struct coming c = {.f = f, .a = a, .most = most, .now = now};
	enum err e = db_write(d, come, &c);

	*there = c.there;
	return e;
}

static enum err changed_or(enum err e, int64_t changed, enum err otherwise)
{
	return e == OK && changed == 0 ? otherwise : e;
}

enum err files_there(struct db *d, const char *id, const char *sealed_with, int64_t now)
{
	int64_t changed = 0;
	enum err e = db_exec(d, &changed, "UPDATE files SET state = 'kept', sealed_with = $2, at = $3 WHERE id = $1 AND state <> 'gone'",
		DB_ARGS(db_text(id), db_text(sealed_with), db_int(now)));

	return changed_or(e, changed, ERR_NOT_FOUND);
}

/* ---- looking, taking back ---- */

enum err files_get(struct db *d, struct arena *a, const char *conversation, const char *id, const char *participant, struct file_row *out)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT " FILE_COLUMNS
		" FROM files WHERE id = $1 AND conversation = $2 AND session = 0 AND state = 'kept' AND (message > 0 OR owner = $3)",
		DB_ARGS(db_text(id), db_text(conversation), db_text(participant)));
	if (db_rows_next(&r))
		file_row_read(out, &r, a);
	return db_rows_found(&r);
}

struct taking_back {
	const char *conversation, *id, *owner;
	int64_t now;
};

static enum err take_back(struct db *d, void *ctx)
{
	const struct taking_back *t = ctx;
	int64_t changed = 0, sent = 0;
	enum err e = db_exec(d, &changed, FILES_GONE " WHERE id = $2 AND conversation = $3 AND owner = $4 AND state = 'kept' AND message = 0",
		DB_ARGS(db_int(t->now), db_text(t->id), db_text(t->conversation), db_text(t->owner)));

	if (e != OK || changed > 0)
		return e;
	e = db_number(d, &sent, "SELECT 1 FROM files WHERE id = $1 AND conversation = $2 AND owner = $3 AND state = 'kept' AND message > 0",
		DB_ARGS(db_text(t->id), db_text(t->conversation), db_text(t->owner)));
	return e != OK ? e : sent ? ERR_CONFLICT : ERR_NOT_FOUND;
}

enum err files_take_back(struct db *d, const char *conversation, const char *id, const char *owner, int64_t now)
{
	struct taking_back t = {conversation, id, owner, now};

	return db_write(d, take_back, &t);
}

/* ---- with messages ---- */

/* Calls each with every id of the list, in order, as text of its own. */
static enum err each_id(const char *ids, enum err (*each)(void *ctx, const char *id, int place), void *ctx)
{
	char id[ID_MAX + 1];
	int place = 0;

	for (const char *at = ids; *at && place < IDS_MOST;) {
		size_t n = strcspn(at, " ");
		enum err e;
		if (n > ID_MAX)
			return ERR_NOT_FOUND;
		memcpy(id, at, n);
		id[n] = '\0';
		e = each(ctx, id, place++);
		if (e != OK)
			return e;
		at += n + strspn(at + n, " ");
	}
	return OK;
}

struct listing {
	struct db *d;
	const char *conversation, *owner;
	int64_t message, now;
	struct buf *out;
};

static enum err list_one(void *ctx, const char *id, int place)
{
	struct listing *l = ctx;
	struct db_rows r;

	db_query(&r, l->d,
		"SELECT shown FROM files WHERE id = $1 AND conversation = $2 AND owner = $3 AND state = 'kept' AND message = 0 {postgres: FOR "
		"UPDATE}",
		DB_ARGS(db_text(id), db_text(l->conversation), db_text(l->owner)));
	if (db_rows_next(&r)) {
		buf_char(l->out, place > 0 ? ',' : '[');
		buf_str(l->out, db_rows_word(&r, 0));
	}
	return db_rows_found(&r);
}

enum err files_list(struct db *d, const char *conversation, const char *owner, const char *ids, struct buf *out)
{
	struct listing l = {.d = d, .conversation = conversation, .owner = owner, .out = out};
	enum err e = each_id(ids, list_one, &l);

	buf_char(out, ']');
	return e == OK && !buf_ok(out) ? ERR_INTERNAL : e;
}

static enum err attach_one(void *ctx, const char *id, int place)
{
	const struct listing *l = ctx;

	return db_exec(l->d, NULL, "UPDATE files SET message = $3, place = $4, at = $5 WHERE id = $1 AND conversation = $2",
		DB_ARGS(db_text(id), db_text(l->conversation), db_int(l->message), db_int(place), db_int(l->now)));
}

enum err files_attach(struct db *d, const char *conversation, const char *ids, int64_t message, int64_t now)
{
	struct listing l = {.d = d, .conversation = conversation, .message = message, .now = now};

	return each_id(ids, attach_one, &l);
}

enum err files_of(struct db *d, const char *conversation, int64_t message, struct buf *out)
{
	struct db_rows r;
	int n = 0;

	db_query(&r, d, "SELECT shown FROM files WHERE conversation = $1 AND message = $2 AND state = 'kept' ORDER BY place LIMIT 16",
		DB_ARGS(db_text(conversation), db_int(message)));
	while (db_rows_next(&r)) {
		buf_char(out, n++ > 0 ? ',' : '[');
		buf_str(out, db_rows_word(&r, 0));
	}
	if (n > 0)
		buf_char(out, ']');
	return db_rows_done(&r);
}
