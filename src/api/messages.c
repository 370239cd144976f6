/* Messages of a conversation: send, list, edit, delete (design §4, §7). Sending is the hot path. */
#include <stdlib.h>
#include <string.h>

#include "api/guard.h"
#include "api/lasting.h"
#include "api/messages.h"
#include "api/routes.h"
#include "chat/file.h"
#include "chat/message.h"
#include "http/body.h"

#define PAGE_DEFAULT 50
#define PAGE_MOST 200
#define ID_MOST (INT64_C(1) << 53) /* JavaScript's last whole number */

static void answer_message(struct exchange *x, enum err e, const struct message_sent *m, int status)
{
	if (e == OK)
		exchange_reply(x, status, "application/json", m->json, m->json_len);
	else
		answer_error(x, e, m->details, m->retry_after_s);
}

static void sent(void *exchange, enum err e, const struct message_sent *m)
{
	answer_message(exchange, e, m, m->repeated ? 200 : 201);
}

static void shown(void *exchange, enum err e, const struct message_sent *m)
{
	answer_message(exchange, e, m, 200);
}

static void deleted(void *exchange, enum err e, const struct message_sent *m)
{
	if (e == OK)
		exchange_empty(exchange, 204);
	else
		answer_message(exchange, e, m, 0);
}

/* The member `files`: ids, each once, as one word list. NULL: none. */
static const char *take_files(struct body *b)
{
	const json_t *list = body_member(b, "files"), *item;
	size_t n = json_array_size(list), i;
	struct buf ids;
	const char *all;

	if (!list)
		return NULL;
	if (!json_is_array(list) || n < 1 || n > FILES_A_MESSAGE) {
		body_wrong(b, ERR_BAD_REQUEST, "files must be 1 to %d ids.", FILES_A_MESSAGE);
		return NULL;
	}
	buf_init(&ids, FILES_A_MESSAGE * (ID_MAX + 1));
	json_array_foreach(list, i, item)
	{
		const char *id = json_string_value(item);
		if (!id || !file_id_valid(id) || (ids.data && strstr(ids.data, id)))
			body_wrong(b, ERR_BAD_REQUEST, "files must be ids as the upload answered them, each once.");
		else
			buf_printf(&ids, "%s%s", i > 0 ? " " : "", id);
	}
	all = b->error == OK ? arena_strdup(b->arena, ids.data) : NULL;
	buf_done(&ids);
	return all;
}

void messages_send_into(struct exchange *x, const char *thread)
{
	struct message_new n = {.by = ticket_of(x), .content = ""};
	struct body b;

	if (lasting_service_refused(x))
		return;
	body_open(&b, &x->request, true);
	n.files = take_files(&b);
	if (!n.files || body_member(&b, "content")) /* files may come without a word */
		n.content = body_content(&b, "content", CONTENT_MAX_BYTES, &n.content_len);
	n.type = body_id(&b, "type", false);
	if (n.files ? n.type && strcmp(n.type, "file") != 0 : n.type && strcmp(n.type, "file") == 0)
		body_wrong(&b, ERR_BAD_REQUEST, "Messages with files, and no others, have the type file.");
	if (n.files)
		n.type = "file";
	n.client_id = body_id(&b, "clientId", false);
	n.reply_to = body_integer(&b, "replyTo", 1, ID_MOST, 0);
	n.thread_id = body_id(&b, "threadId", false);
	if (thread && n.thread_id && strcmp(thread, n.thread_id) != 0)
		body_wrong(&b, ERR_BAD_REQUEST, "threadId names another thread than the path.");
	if (thread)
		n.thread_id = thread;
	n.metadata = body_object(&b, "metadata", METADATA_MAX_BYTES);
	if (!n.type)
		n.type = n.by->kind == TICKET_SERVICE ? "system" : "text";
	if (b.error == OK)
		message_send(&n, sent, x);
	else
		answer_error(x, b.error, b.details, 0);
	body_close(&b);
}

void messages_send(struct exchange *x)
{
	messages_send_into(x, NULL);
}

bool messages_read_page(struct exchange *x, struct messages_page *p)
{
	const struct request *r = &x->request;

	if (request_query(r, "after", &p->after) != OK || request_query(r, "before", &p->before) != OK)
		answer_error(x, ERR_BAD_REQUEST, "after and before must be cursors, each at most once.", 0);
	else if (p->after && p->before)
		answer_error(x, ERR_BAD_REQUEST, "after and before exclude each other.", 0);
	else if (request_query_int(r, "limit", 1, PAGE_MOST, PAGE_DEFAULT, &p->limit) != OK)
		answer_error(x, ERR_BAD_REQUEST, "limit must be a whole number from 1 to 200.", 0);
	else
		return true;
	return false;
}

void messages_list(struct exchange *x)
{
	struct messages_page p;
	const char *thread;

	if (!messages_read_page(x, &p))
		return;
	if (request_query(&x->request, "thread", &thread) != OK || (thread && !id_valid(thread, strlen(thread))))
		answer_error(x, ERR_BAD_REQUEST, "thread must be a thread's id.", 0);
	else
		message_history(ticket_of(x), p.after, p.before, p.limit, thread, shown, x);
}

/* The message's number in the path; 0 when it is none. */
static int64_t path_message(const struct exchange *x)
{
	const char *text = x->request.params[1];
	size_t len = strlen(text);

	if (len > 15 || *text == '0' || strspn(text, "0123456789") != len)
		return 0;
	return strtoll(text, NULL, 10);
}

void messages_edit(struct exchange *x)
{
	int64_t id = path_message(x);
	const char *content, *metadata;
	size_t len;
	struct body b;

	if (lasting_service_refused(x))
		return;
	body_open(&b, &x->request, true);
	content = body_content(&b, "content", CONTENT_MAX_BYTES, &len);
	metadata = body_object(&b, "metadata", METADATA_MAX_BYTES);
	if (b.error != OK)
		answer_error(x, b.error, b.details, 0);
	else if (id == 0)
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
	else
		message_edit(ticket_of(x), id, content, len, metadata, shown, x);
	body_close(&b);
}

void messages_delete(struct exchange *x)
{
	int64_t id = path_message(x);

	if (lasting_service_refused(x))
		return;
	if (id == 0)
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
	else
		message_delete(ticket_of(x), id, deleted, x);
}
