/* Which log a ticket speaks of: see log.h. */
#include "chat/log.h"

#include "chat/log_session.h"

const struct log_kind log_session = {
	.append = log_session_append,
	.amend = log_session_amend,
	.erase = log_session_erase,
	.page = log_session_page,
	.typing = log_session_typing,
	.read = log_session_read,
	.alive = log_session_alive,
	.presence = log_session_presence,
};

const struct log_kind *log_of(const struct ticket *by)
{
	return by->kind == TICKET_USER || by->kind == TICKET_SERVICE ? &log_lasting : &log_session;
}

void message_send(const struct message_new *n, message_done *done, void *ctx)
{
	log_of(n->by)->append(n, done, ctx);
}

void message_edit(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx)
{
	log_of(by)->amend(by, id, content, content_len, metadata, done, ctx);
}

void message_delete(const struct ticket *by, int64_t id, message_done *done, void *ctx)
{
	log_of(by)->erase(by, id, done, ctx);
}

void message_history(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx)
{
	log_of(by)->page(by, after, before, limit, thread, done, ctx);
}

void signal_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx)
{
	log_of(by)->typing(by, is_typing, done, ctx);
}

void signal_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx)
{
	log_of(by)->read(by, up_to, done, ctx);
}

void signal_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx)
{
	log_of(by)->alive(by, cursor, done, ctx);
}

void signal_presence(const struct ticket *by, presence_done *done, void *ctx)
{
	log_of(by)->presence(by, done, ctx);
}
