/* Files of a conversation: uploaded, handed out, taken back (design §7). Sessions here, lasting conversations in files_lasting.c; sending is messages.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/files_lasting.h"
#include "api/give.h"
#include "api/guard.h"
#include "api/routes.h"
#include "api/upload.h"
#include "base/clock.h"
#include "base/crew.h"
#include "base/failpoint.h"
#include "outside/depot.h"
#include "store/dbpool.h"
#include "store/files.h"

enum {
	UPLOADS_AT_ONCE = 12, /* of one participant in this process */
	RETRY_S = 5,
};

static bool is_user(struct exchange *x)
{
	return ticket_of(x)->kind == TICKET_USER;
}

const char *files_refusal(enum err e)
{
	switch (e) {
	case ERR_TOO_LARGE: return "This conversation has all the files it may have.";
	case ERR_CONFLICT: return "Too many files were uploaded and not sent.";
	case ERR_RATE_LIMITED: return "Too many files; wait a little.";
	default: return NULL;
	}
}

void files_refuse(struct upload *u, enum err e, const char *details)
{
	struct exchange *x = u->x;
	int retry_after_s = u->retry_after_s;

	upload_free(u);
	answer_error(x, e, details, retry_after_s);
}

/* ---- uploads ---- */

void files_begin(struct upload *u, void (*take)(void *upload))
{
	enum err e = crew_run_for(ticket_of(u->x)->participant, UPLOADS_AT_ONCE, take, u);

	if (e == ERR_RATE_LIMITED)
		u->retry_after_s = RETRY_S;
	if (e != OK)
		files_refuse(u, e,
			e == ERR_RATE_LIMITED ? "Too many of your files are on their way; wait for one of them."
								  : "Too many files are being uploaded just now.");
}

/* A store outside keeps what nobody remembers here, if we die: so SQL knows of it, first and last. */
static enum err note_coming(struct db *d, void *upload)
{
	struct upload *u = upload;
	struct file_row f = {.id = u->file.id, .conversation = ticket_of(u->x)->conversation, .session = true, .outside = true};
	bool there;

	return files_come(d, &u->x->arena, &f, (struct files_most){0}, clock_now_ms(), &there);
}

static enum err note_there(struct db *d, void *upload)
{
	struct upload *u = upload;

	return files_there(d, u->file.id, NULL, clock_now_ms());
}

static void note_gone(struct db *d, void *id)
{
	enum err e = d ? files_mark_gone(d, id, clock_now_ms()) : ERR_STORE_UNAVAILABLE; /* else the worker finds out */

	(void)e;
	free(id);
}

/* The bytes are not needed. */
static void unplace(struct upload *u)
{
	char *id;

	if (strcmp(u->file.key, "-") == 0)
		vault_remove(VAULT_MEMORY, ticket_of(u->x)->conversation, u->file.id);
	else if ((id = strdup(u->file.id)) && dbpool_run(note_gone, id) != OK)
		free(id);
}

static enum err place(struct upload *u)
{
	enum err e;

	if (!depot_used())
		return vault_keep(&u->kept, ticket_of(u->x)->conversation, u->file.id);
	e = dbpool_wait(note_coming, u);
	if (e == OK)
		e = depot_put(u->file.id, vault_map(&u->kept), u->file.size, u->file.key);
	if (e == OK)
		e = dbpool_wait(note_there, u);
	return e;
}

static void known(void *upload, enum err e, const struct file_answer *a)
{
	struct upload *u = upload;

	FAILPOINT("file.known");
	/* An answer that did not come may mean yes: then the worker finds out. */
	if ((e == OK && strcmp(a->blob, u->file.id) != 0) || (e != OK && e != ERR_STORE_UNAVAILABLE))
		unplace(u);
	if (e != OK) {
		files_refuse(u, e, files_refusal(e));
		return;
	}
	exchange_json(u->x, 201, &u->json);
	upload_free(u);
}

/* On a thread of its own. */
static void take(void *upload)
{
	struct upload *u = upload;
	enum err e = upload_take(u);

	if (e == OK)
		e = place(u);
	if (e == OK)
		file_put(ticket_of(u->x), &u->file, known, u);
	else
		files_refuse(u, e, u->details);
}

static void roomed(void *upload, enum err e, const struct file_answer *a)
{
	struct upload *u = upload;

	if (e != OK) {
		u->retry_after_s = a->retry_after_s;
		files_refuse(u, e, files_refusal(e));
		return;
	}
	snprintf(u->salt, sizeof u->salt, "%s", a->salt);
	files_begin(u, take);
}

void files_upload(struct exchange *x)
{
	struct upload *u = NULL;
	const char *details = NULL;
	/* On its way to a store a file lies in memory, where there is one for files: no plain byte of it comes to a disk. */
	bool disk = is_user(x) && !(depot_used() && vault_folder(VAULT_MEMORY));
	enum err e = upload_new(&u, x, disk ? VAULT_DISK : VAULT_MEMORY, &details);

	if (e != OK)
		answer_error(x, e, details, 0);
	else if (is_user(x))
		files_lasting_upload(u);
	else
		file_room(ticket_of(x), x->request.content_length, roomed, u);
}

/* ---- downloads ---- */

static void got(void *exchange, enum err e, const struct file_answer *a)
{
	struct exchange *x = exchange;

	if (e == OK)
		give(x, VAULT_MEMORY, ticket_of(x)->conversation, a->blob, a->key, a->json);
	else
		answer_error(x, e, NULL, 0);
}

void files_show(struct exchange *x)
{
	const char *id = x->request.params[1];

	if (!file_id_valid(id))
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
	else if (is_user(x))
		files_lasting_show(x);
	else
		file_get(ticket_of(x), id, got, x);
}

/* ---- taking back ---- */

void files_dropped(struct exchange *x, enum err e)
{
	if (e == ERR_CONFLICT)
		answer_error(x, e, "It was sent: deleting the message deletes it.", 0);
	else
		answer_empty(x, e);
}

static void dropped(void *exchange, enum err e, const struct file_answer *a)
{
	struct exchange *x = exchange;

	if (e == OK && *a->blob)
		vault_remove(VAULT_MEMORY, ticket_of(x)->conversation, a->blob);
	files_dropped(x, e);
}

void files_drop(struct exchange *x)
{
	const char *id = x->request.params[1];

	if (!file_id_valid(id))
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
	else if (is_user(x))
		files_lasting_drop(x);
	else
		file_drop(ticket_of(x), id, dropped, x);
}
