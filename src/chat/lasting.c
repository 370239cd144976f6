/* The log of lasting conversations as handlers call it (log_lasting of chat/log.h): sends, edits, deletions and marks, and their answers. What only reads is in
 * lasting_read.c. */
#include "chat/lasting.h"

#include <string.h>

#include "chat/call.h"
#include "chat/entry.h"
#include "chat/lasting_log.h"

/* ---- messages ---- */

static void answer_message(struct work *w)
{
	struct message_sent m = {
		.repeated = w->out.repeated, .retry_after_s = (int)((w->out.retry_ms + 999) / 1000), .details = w->out.details};
	enum err e = w->out.err;
	struct entry entry;
	struct buf json;

	buf_init(&json, 256 * 1024);
	if (e == OK && !entry_parse(&entry, w->out.message.position, w->out.message.bytes, w->out.message.len))
		e = ERR_INTERNAL;
	if (e == OK) {
		message_json(&json, w->by.conversation, &entry.message, 0);
		e = buf_ok(&json) ? OK : ERR_INTERNAL;
	}
	m.json = json.data;
	m.json_len = json.len;
	w->done.message(w->ctx, e, &m);
	buf_done(&json);
}

static struct work *message_work(enum work_kind kind, const struct ticket *by, message_done *done, void *ctx)
{
	struct work *w = work_new(kind, by, answer_message, ctx);

	w->done.message = done;
	return w;
}

static void refuse(message_done *done, void *ctx, enum err e, const char *details)
{
	done(ctx, e, &(struct message_sent){.details = details});
}

void log_lasting_append(const struct message_new *n, message_done *done, void *ctx)
{
	static const char *const types[] = {"text", "file", "system"};
	bool known = false;
	struct work *w;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		known |= strcmp(types[i], n->type) == 0;
	if (!known) {
		refuse(done, ctx, ERR_BAD_REQUEST, "type must be text, file or system.");
		return;
	}
	w = message_work(WORK_SEND, n->by, done, ctx);
	w->n = (struct message_new){
		.content = arena_strndup(&w->arena, n->content, n->content_len),
		.content_len = n->content_len,
		.type = arena_strdup(&w->arena, n->type),
		.client_id = arena_strdup(&w->arena, n->client_id),
		.reply_to = n->reply_to,
		.thread_id = arena_strdup(&w->arena, n->thread_id),
		.metadata = arena_strdup(&w->arena, n->metadata),
		.files = arena_strdup(&w->arena, n->files),
	};
	work_submit(w);
}

void log_lasting_amend(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx)
{
	struct work *w = message_work(WORK_EDIT, by, done, ctx);

	w->id = id;
	w->n.content = arena_strndup(&w->arena, content, content_len);
	w->n.content_len = content_len;
	w->n.metadata = arena_strdup(&w->arena, metadata);
	work_submit(w);
}

void log_lasting_erase(const struct ticket *by, int64_t id, message_done *done, void *ctx)
{
	struct work *w = message_work(WORK_DELETE, by, done, ctx);

	w->id = id;
	work_submit(w);
}

/* ---- marks ---- */

static void answer_mark(struct work *w)
{
	if (w->out.err == OK)
		lasting_tell_mark(w);
	w->done.signal(w->ctx, w->out.err);
}

void lasting_mark(const struct ticket *by, const struct cursor *up_to, bool delivered_only, signal_done *done, void *ctx)
{
	struct work *w = work_new(WORK_MARK, by, answer_mark, ctx);

	w->done.signal = done;
	w->up_to = *up_to;
	w->delivered_only = delivered_only;
	work_submit(w);
}

void log_lasting_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx)
{
	struct cursor c;

	if (!cursor_or_id(&c, up_to))
		done(ctx, ERR_BAD_REQUEST);
	else
		lasting_mark(by, &c, false, done, ctx);
}

const struct log_kind log_lasting = {
	.append = log_lasting_append,
	.amend = log_lasting_amend,
	.erase = log_lasting_erase,
	.page = log_lasting_page,
	.typing = log_lasting_typing,
	.read = log_lasting_read,
	.alive = log_lasting_alive,
	.presence = log_lasting_presence,
};
