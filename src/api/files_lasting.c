/* Files of lasting conversations: rows in SQL (store/files.h), bytes on a disk or in a store. */
#include "api/files_lasting.h"

#include <stdio.h>
#include <string.h>

#include "api/give.h"
#include "api/guard.h"
#include "base/clock.h"
#include "base/crew.h"
#include "base/failpoint.h"
#include "chat/quota.h"
#include "chat/rights.h"
#include "outside/depot.h"
#include "store/dbpool.h"
#include "store/files.h"

/* The conversation as the caller may see it, and that right in it. */
static enum err enter(struct db *d, struct exchange *x, enum right right, struct conversation *c)
{
	const struct ticket *by = ticket_of(x);
	enum err e = d ? conversations_get(d, &x->arena, by->conversation, by->participant, c) : ERR_STORE_UNAVAILABLE;

	return e == OK && !rights_may(c->me.role, c->type, right) ? ERR_FORBIDDEN : e;
}

/* ---- uploads ---- */

static const struct files_most most = {FILES_UNSENT_MOST, FILES_MOST};

struct filing {
	struct upload *u;
	struct file_row row;
	bool there;
};

static enum err note_coming(struct db *d, void *filing)
{
	struct filing *f = filing;

	return files_come(d, &f->u->x->arena, &f->row, most, clock_now_ms(), &f->there);
}

static enum err note_there(struct db *d, void *filing)
{
	const struct filing *f = filing;
	const struct file_new *file = &f->u->file;

	return files_there(d, file->id, strcmp(file->key, "-") == 0 ? NULL : file->key, clock_now_ms());
}

/* The row, the bytes, and that they are there. Whoever dies in between leaves a row for the worker to find. */
static enum err place(struct filing *f)
{
	struct upload *u = f->u;
	enum err e = dbpool_wait(note_coming, f);

	FAILPOINT("file.coming");
	if (e != OK || f->there)
		return e;
	if (depot_used())
		e = depot_put(u->file.id, vault_map(&u->kept), u->file.size, u->file.key);
	else
		e = vault_keep(&u->kept, f->row.conversation, u->file.id);
	if (e == OK)
		e = dbpool_wait(note_there, f);
	FAILPOINT("file.known");
	if (e == ERR_NOT_FOUND && !depot_used())
		vault_remove(VAULT_DISK, f->row.conversation, u->file.id);
	return e;
}

/* Only now that there is a hand for it. */
static enum err spend(struct db *d, void *upload)
{
	struct upload *u = upload;
	struct quota_wait wait;
	enum err e = quota_take_one(d, ticket_of(u->x), QUOTA_UPLOADS, &wait);

	u->retry_after_s = wait.retry_after_s;
	return e;
}

/* On a thread of its own. */
static void take(void *upload)
{
	struct upload *u = upload;
	const struct ticket *by = ticket_of(u->x);
	struct filing f = {.u = u};
	enum err e = dbpool_wait(spend, u);

	if (e == OK)
		e = upload_take(u);
	if (e == OK) {
		f.row = (struct file_row){.id = u->file.id,
			.conversation = by->conversation,
			.owner = by->participant,
			.size = u->file.size,
			.hash = u->file.hash,
			.shown = u->file.json,
			.outside = depot_used()};
		e = place(&f);
	}
	if (e != OK) {
		files_refuse(u, e, u->details ? u->details : files_refusal(e));
		return;
	}
	exchange_json(u->x, 201, &u->json);
	upload_free(u);
}

static void look(struct db *d, void *upload)
{
	struct upload *u = upload;
	const struct ticket *by = ticket_of(u->x);
	struct conversation c;
	enum err e = enter(d, u->x, RIGHT_UPLOAD, &c);

	if (e == OK && strcmp(c.status, "completed") == 0)
		e = ERR_SESSION_ENDED;
	if (e == OK)
		e = files_room(d, by->conversation, by->participant, most);
	if (e != OK) {
		files_refuse(u, e, files_refusal(e));
		return;
	}
	snprintf(u->salt, sizeof u->salt, "%s", c.salt);
	files_begin(u, take);
}

void files_lasting_upload(struct upload *u)
{
	if (dbpool_run(look, u) != OK)
		files_refuse(u, ERR_STORE_UNAVAILABLE, NULL);
}

/* ---- downloads ---- */

static void show(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	const struct ticket *by = ticket_of(x);
	struct conversation c;
	struct file_row f;
	enum err e = enter(d, x, RIGHT_READ, &c);

	if (e == OK)
		e = files_get(d, &x->arena, by->conversation, x->request.params[1], by->participant, &f);
	if (e == OK)
		give(x, VAULT_DISK, by->conversation, f.blob, f.sealed_with ? f.sealed_with : "-", f.shown);
	else
		answer_error(x, e, NULL, 0);
}

void files_lasting_show(struct exchange *x)
{
	if (dbpool_run(show, x) != OK)
		answer_error(x, ERR_STORE_UNAVAILABLE, NULL, 0);
}

/* ---- taking back ---- */

static void drop(struct db *d, void *exchange)
{
	struct exchange *x = exchange;
	const struct ticket *by = ticket_of(x);
	struct conversation c;
	enum err e = enter(d, x, RIGHT_SEE, &c);

	if (e == OK)
		e = files_take_back(d, by->conversation, x->request.params[1], by->participant, clock_now_ms());
	files_dropped(x, e);
}

void files_lasting_drop(struct exchange *x)
{
	if (dbpool_run(drop, x) != OK)
		answer_error(x, ERR_STORE_UNAVAILABLE, NULL, 0);
}
