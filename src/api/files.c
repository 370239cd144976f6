/* Files of a conversation: uploaded, handed out, taken back (design §7). Sending them is messages.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/guard.h"
#include "api/routes.h"
#include "api/upload.h"
#include "base/crew.h"
#include "base/failpoint.h"
#include "base/json.h"

#define JSON_NEST 2

static const char *refusal(enum err e)
{
	switch (e) {
	case ERR_TOO_LARGE: return "This conversation has all the files it may have.";
	case ERR_CONFLICT: return "Too many files were uploaded and not sent.";
	default: return NULL;
	}
}

/* ---- uploads ---- */

static void refuse(struct upload *u, enum err e, const char *details)
{
	struct exchange *x = u->x;

	upload_free(u);
	answer_error(x, e, details, 0);
}

static void known(void *upload, enum err e, const struct file_answer *a)
{
	struct upload *u = upload;
	const char *conversation = ticket_of(u->x)->conversation;

	FAILPOINT("file.known");
	/* An answer that did not come may mean yes: then the worker finds out. */
	if ((e == OK && strcmp(a->blob, u->file.id) != 0) || (e != OK && e != ERR_STORE_UNAVAILABLE))
		vault_remove(u->in, conversation, u->file.id);
	if (e != OK) {
		refuse(u, e, refusal(e));
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
		e = vault_keep(&u->kept, ticket_of(u->x)->conversation, u->file.id);
	if (e != OK) {
		refuse(u, e, u->details);
		return;
	}
	file_put(ticket_of(u->x), &u->file, known, u);
}

static void roomed(void *upload, enum err e, const struct file_answer *a)
{
	struct upload *u = upload;

	if (e != OK) {
		refuse(u, e, refusal(e));
		return;
	}
	snprintf(u->salt, sizeof u->salt, "%s", a->salt);
	if (crew_run(take, u) != OK)
		refuse(u, ERR_STORE_UNAVAILABLE, "Too many files are being uploaded just now.");
}

void files_upload(struct exchange *x)
{
	struct upload *u = NULL;
	const char *details = NULL;
	enum err e = upload_new(&u, x, VAULT_MEMORY, &details);

	if (e == OK)
		file_room(ticket_of(x), x->request.content_length, roomed, u);
	else
		answer_error(x, e, details, 0);
}

/* ---- downloads ---- */

/* RFC 6266, RFC 8187: plain ASCII for those who know no better, then the name itself. */
static void disposition(struct buf *b, bool shown, const char *name)
{
	buf_str(b, shown ? "inline; filename=\"" : "attachment; filename=\"");
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		if (*c < 0x80 || (*c & 0xc0) == 0xc0)
			buf_char(b, *c >= ' ' && *c < 0x7f && !strchr("\"\\%", *c) ? (char)*c : '_');
	buf_str(b, "\"; filename*=UTF-8''");
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		bool plain =
			(*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c < 0x80 && strchr("-._~!$&+", *c));
		buf_printf(b, plain ? "%c" : "%%%02X", *c);
	}
}

static const struct media_type *type_named(const char *mime)
{
	for (const struct media_type *t = media_types(); t->word; t++)
		if (mime && strcmp(t->mime, mime) == 0)
			return t;
	return NULL;
}

/* The headers that say what it is and what a browser may do with it. Returns its Content-Type. */
static const char *describe(struct exchange *x, const char *json)
{
	json_t *file = NULL;
	const struct media_type *type;
	struct buf value;
	bool good;

	buf_init(&value, 4096);
	good = json_read(&file, json, strlen(json), JSON_NEST) == OK;
	type = good ? type_named(json_string_value(json_object_get(file, "type"))) : NULL;
	if (type)
		disposition(&value, type->shown, json_string_value(json_object_get(file, "name")));
	if (buf_ok(&value) && type) {
		exchange_header(x, "Content-Disposition", value.data);
		/* Alone in a window it may show itself, and nothing else. */
		exchange_header(
			x, "Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox");
		exchange_header(x, "Cross-Origin-Resource-Policy", "same-origin");
		exchange_header(x, "Referrer-Policy", "no-referrer");
	} else {
		type = NULL;
	}
	buf_done(&value);
	json_decref(file);
	return !type ? NULL : strcmp(type->mime, "text/plain") == 0 ? "text/plain; charset=utf-8" : type->mime;
}

static void got(void *exchange, enum err e, const struct file_answer *a)
{
	struct exchange *x = exchange;
	const char *type = NULL;
	char path[VAULT_PATH];

	if (e == OK) {
		vault_path(path, VAULT_MEMORY, ticket_of(x)->conversation, a->blob);
		if (access(path, F_OK) != 0)
			e = ERR_NOT_FOUND;
		else if (!(type = describe(x, a->json)))
			e = ERR_INTERNAL;
	}
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	exchange_header(x, "X-Sendfile", path);
	exchange_reply(x, 200, type, "", 0);
}

static const char *path_file(const struct exchange *x)
{
	return x->request.params[1];
}

void files_show(struct exchange *x)
{
	if (file_id_valid(path_file(x)))
		file_get(ticket_of(x), path_file(x), got, x);
	else
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
}

/* ---- taking back ---- */

static void dropped(void *exchange, enum err e, const struct file_answer *a)
{
	struct exchange *x = exchange;

	if (e == OK && *a->blob)
		vault_remove(VAULT_MEMORY, ticket_of(x)->conversation, a->blob);
	if (e == ERR_CONFLICT)
		answer_error(x, e, "It was sent: deleting the message deletes it.", 0);
	else
		answer_empty(x, e);
}

void files_drop(struct exchange *x)
{
	if (file_id_valid(path_file(x)))
		file_drop(ticket_of(x), path_file(x), dropped, x);
	else
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
}
