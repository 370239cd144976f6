/* One JSON line per event on standard error. Handlers and mains log, libraries don't. Never content, tickets, names, addresses
 * or query strings: the caller passes only fixed words and numbers, ids of requests, and conversation ids through log_ref(). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Once, before threads start: program is the "program" member of every line; level from ROOM_LOG. */
void log_init(const char *program, enum log_level least);

/* The level ROOM_LOG names; LOG_INFO for anything else. */
enum log_level log_level_of(const char *name);

/* Writes how logs may call a conversation: 16 hex digits of a hash keyed with this process's own random key, so that lines about one
 * conversation can be matched within a process's life and with nothing else. Returns out. */
char *log_ref(char out[17], const char *id);

/* log_line(LOG_WARN, "redis.lost", "s:reason", "timeout", "i:pending", (int64_t)12, NULL): name/value pairs, the name's prefix
 * gives the type: s: const char *, i: int64_t. One write(2), so lines of several processes don't mix. Any thread. */
void log_line(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
