#include "chat/log_session.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "chat/entry.h"
#include "store/store.h"
#include "store/vault.h"

struct pending {
	message_done *done;
	void *ctx;
	char conversation[ID_MAX + 1];
	char sender[ID_MAX + 1], role[10];
	size_t refs_len, content_len, metadata_len;
	bool with_files;
	char text[]; /* refs, content, metadata of a message under way: the answer is made of what was sent, not read back */
};

static void fail(struct pending *p, enum err e, int retry_after_s)
{
	struct message_sent m = {.retry_after_s = retry_after_s};

	p->done(p->ctx, e, &m);
	free(p);
}

static void succeed(struct pending *p, struct buf *json, bool repeated)
{
	struct message_sent m = {.repeated = repeated, .json = json->data, .json_len = json->len};

	p->done(p->ctx, buf_ok(json) ? OK : ERR_INTERNAL, &m);
	buf_done(json);
	free(p);
}

static struct pending *pending_new(const struct ticket *by, size_t room, message_done *done, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p + room);

	p->done = done;
	p->ctx = ctx;
	memcpy(p->conversation, by->conversation, sizeof p->conversation);
	memcpy(p->sender, by->participant, sizeof p->sender);
	memcpy(p->role, by->role, sizeof p->role);
	return p;
}

/* ---- sending ---- */

static void write_refs(struct buf *b, const struct message_new *n)
{
	/* type, client_id and thread_id follow the grammar of ids: nothing to escape. */
	BUF_LIT(b, "\"type\":\"");
	buf_str(b, n->type);
	buf_char(b, '"');
	if (n->client_id != NULL) {
		BUF_LIT(b, ",\"clientId\":\"");
		buf_str(b, n->client_id);
		buf_char(b, '"');
	}
	if (n->reply_to > 0) {
		BUF_LIT(b, ",\"replyTo\":");
		buf_int(b, n->reply_to);
	}
	if (n->thread_id != NULL) {
		BUF_LIT(b, ",\"threadId\":\"");
		buf_str(b, n->thread_id);
		buf_char(b, '"');
	}
}

static void sent(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	int retry_after_s = 0;
	enum err e = call_err(r, &retry_after_s);

	if (e != OK) {
		fail(p, e, retry_after_s);
		return;
	}
	char at[24];
	int at_len = snprintf(at, sizeof at, "%lld", (long long)reply_int(reply_at(r, 3)));
	struct message m = {
		.id = reply_int(reply_at(r, 1)),
		.sent_at = {at, (size_t)at_len},
		.sender = {p->sender, strlen(p->sender)},
		.role = {p->role, strlen(p->role)},
		.refs = {p->text, p->refs_len},
		.content = {p->text + p->refs_len, p->content_len},
		.metadata = {p->text + p->refs_len + p->content_len, p->metadata_len},
	};
	if (p->with_files) { /* what the store knows of them, and our metadata behind it */
		struct span kept;
		kept.at = reply_text(reply_at(r, 6), &kept.len);
		metadata_split(kept, &m.files, &m.metadata);
	}
	m.check.at = reply_text(reply_at(r, 2), &m.check.len);
	struct buf json;
	buf_init(&json, 256 * 1024);
	message_json(&json, p->conversation, &m, reply_int(reply_at(r, 4)));
	succeed(p, &json, reply_int(reply_at(r, 5)) != 0);
}

void log_session_append(const struct message_new *n, message_done *done, void *ctx)
{
	struct args a;
	struct buf text;
	size_t metadata_len = n->metadata != NULL ? strlen(n->metadata) : 0;

	if (strcmp(n->type, "system") == 0) { /* pages show those as the house's own words */
		done(ctx, ERR_FORBIDDEN, &(struct message_sent){.details = "Messages of the type system are MainServer's."});
		return;
	}
	buf_init(&text, 256 * 1024);
	write_refs(&text, n);
	size_t refs_len = text.len;
	buf_json(&text, n->content, n->content_len);
	size_t content_len = text.len - refs_len;
	buf_add(&text, n->metadata, metadata_len);

	struct pending *p = pending_new(n->by, text.len, done, ctx);
	if (!buf_ok(&text)) {
		buf_done(&text);
		fail(p, ERR_TOO_LARGE, 0);
		return;
	}
	memcpy(p->text, text.data, text.len);
	p->refs_len = refs_len;
	p->content_len = content_len;
	p->metadata_len = metadata_len;
	p->with_files = n->files != NULL;
	buf_done(&text);

	call_participant(&a, n->by);
	args_str(&a, n->client_id);
	args_add(&a, p->text, refs_len);
	args_add(&a, p->text + refs_len, content_len);
	args_add(&a, p->text + refs_len + content_len, metadata_len);
	args_int(&a, n->reply_to);
	call_rates(&a);
	args_int(&a, LOG_MOST);
	args_str(&a, n->files);
	redis_script(store_commands(), "send", &a, sent, p);
}

/* ---- edits and deletions ---- */

static void amended(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	int retry_after_s = 0;
	enum err e = call_err(r, &retry_after_s);
	struct entry entry;
	size_t len;
	const char *bytes = reply_text(reply_at(r, 2), &len);

	if (e == OK && !entry_parse(&entry, reply_int(reply_at(r, 1)), bytes, len))
		e = ERR_INTERNAL;
	if (e != OK) {
		fail(p, e, retry_after_s);
		return;
	}
	for (size_t i = 0; i < reply_count(reply_at(r, 4)); i++)
		vault_remove(VAULT_MEMORY, p->conversation, reply_text(reply_at(reply_at(r, 4), i), NULL)); /* else the worker does it soon */
	struct buf json;
	buf_init(&json, 256 * 1024);
	message_json(&json, p->conversation, &entry.message, reply_int(reply_at(r, 3)));
	succeed(p, &json, false);
}

static void amend(
	const struct ticket *by, const char *how, int64_t id, const struct buf *content, const char *metadata, message_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	args_str(&a, how);
	args_int(&a, id);
	args_add(&a, content != NULL ? content->data : "", content != NULL ? content->len : 0);
	args_str(&a, metadata);
	args_int(&a, EDITS_MOST);
	args_int(&a, LOG_MOST);
	call_rates(&a);
	redis_script(store_commands(), "amend", &a, amended, pending_new(by, 0, done, ctx));
}

void log_session_amend(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx)
{
	struct buf json;

	buf_init(&json, 256 * 1024);
	buf_json(&json, content, content_len);
	amend(by, "edit", id, &json, metadata, done, ctx);
	buf_done(&json);
}

void log_session_erase(const struct ticket *by, int64_t id, message_done *done, void *ctx)
{
	amend(by, "delete", id, NULL, NULL, done, ctx);
}

/* ---- history ---- */

static void write_link(struct buf *b, const char *name, const struct message *m, bool there)
{
	BUF_LIT(b, ",\"");
	buf_str(b, name);
	if (!there) {
		BUF_LIT(b, "\":null");
		return;
	}
	BUF_LIT(b, "\":\"");
	buf_int(b, m->id);
	buf_char(b, '-');
	buf_add(b, m->check.at, m->check.len);
	buf_char(b, '"');
}

static void paged(void *ctx, const struct reply *r)
{
	enum { ITEMS_FROM = 5 };
	struct pending *p = ctx;
	enum err e = call_err(r, NULL);

	if (e != OK) {
		fail(p, e, 0);
		return;
	}
	struct buf json;
	struct entry entry = {0}, first = {0};
	int64_t log_first = reply_int(reply_at(r, 3)), log_last = reply_int(reply_at(r, 4));
	size_t n = 0;

	buf_init(&json, 4 * READ_BYTES);
	BUF_LIT(&json, "{\"messages\":[");
	for (size_t i = ITEMS_FROM; i + 1 < reply_count(r); i += 2) {
		size_t len;
		const char *bytes = reply_text(reply_at(r, i + 1), &len);
		if (!entry_parse(&entry, reply_int(reply_at(r, i)), bytes, len))
			continue;
		if (n++ == 0)
			first = entry;
		else
			buf_char(&json, ',');
		message_json(&json, p->conversation, &entry.message, 0);
	}
	buf_char(&json, ']');
	write_link(&json, "next", &entry.message, n > 0 && entry.message.id < log_last);
	write_link(&json, "previous", &first.message, n > 0 && first.message.id > log_first);
	BUF_LIT(&json, ",\"cursor\":\"");
	buf_int(&json, reply_int(reply_at(r, 1)));
	buf_char(&json, '-');
	buf_str(&json, reply_text(reply_at(r, 2), NULL));
	BUF_LIT(&json, "\"}");
	succeed(p, &json, false);
}

void log_session_page(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx)
{
	struct args a;
	struct cursor c = {0};
	const char *from = after != NULL ? after : before;
	struct pending *p = pending_new(by, 0, done, ctx);

	if (thread != NULL) { /* a session has none */
		fail(p, ERR_NOT_FOUND, 0);
		return;
	}
	if ((after != NULL && before != NULL) || (from != NULL && !cursor_parse(&c, from))) {
		fail(p, ERR_BAD_REQUEST, 0);
		return;
	}
	call_participant(&a, by);
	args_str(&a, after != NULL ? "after" : before != NULL ? "before" : "newest");
	args_int(&a, c.position);
	args_str(&a, c.check);
	args_int(&a, limit);
	args_int(&a, READ_BYTES);
	redis_script(store_reads(), "history", &a, paged, p);
}
