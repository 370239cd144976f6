/* A session's log: the functions behind log_session (chat/log.h). chat/message.c and chat/signal.c, over store/lua. Internal to chat/. */
#ifndef CHAT_LOG_SESSION_H
#define CHAT_LOG_SESSION_H

#include "chat/log.h"

void log_session_append(const struct message_new *n, message_done *done, void *ctx);
void log_session_amend(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx);
void log_session_erase(const struct ticket *by, int64_t id, message_done *done, void *ctx);
void log_session_page(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx);
void log_session_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx);
void log_session_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx);
void log_session_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx);
void log_session_presence(const struct ticket *by, presence_done *done, void *ctx);

#endif
