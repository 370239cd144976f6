/* What lasting.c, lasting_read.c, lasting_tell.c and membership.c know of each other: the functions behind log_lasting. Internal to chat/. */
#ifndef CHAT_LASTING_LOG_H
#define CHAT_LASTING_LOG_H

#include "chat/lasting.h"
#include "chat/log.h"

/* lasting.c */
void log_lasting_append(const struct message_new *n, message_done *done, void *ctx);
void log_lasting_amend(
	const struct ticket *by, int64_t id, const char *content, size_t content_len, const char *metadata, message_done *done, void *ctx);
void log_lasting_erase(const struct ticket *by, int64_t id, message_done *done, void *ctx);
void log_lasting_read(const struct ticket *by, const char *up_to, signal_done *done, void *ctx);
void lasting_mark(const struct ticket *by, const struct cursor *up_to, bool delivered_only, signal_done *done, void *ctx);

/* lasting_read.c */
void log_lasting_page(
	const struct ticket *by, const char *after, const char *before, long limit, const char *thread, message_done *done, void *ctx);
void log_lasting_typing(const struct ticket *by, bool is_typing, signal_done *done, void *ctx);
void log_lasting_alive(const struct ticket *by, const char *cursor, signal_done *done, void *ctx);
void log_lasting_presence(const struct ticket *by, presence_done *done, void *ctx);

/* lasting_tell.c: what passes goes to Redis and is forgotten; without Redis nothing happens. */
void lasting_tell_mark(const struct work *w);
void lasting_tell_mute(const struct ticket *by, bool muted);
void lasting_tell_typing(const struct ticket *by, const char *role, bool is_typing);
void lasting_tell_life(const struct ticket *by, const char *role, bool regularly);

#endif
