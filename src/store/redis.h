/* One pipelined connection to Redis, on hiredis (which only store/redis*.c knows). Calls are appended and answered in order; many may be under way.
 *
 * Connecting, losing and regaining the connection happen inside: a call made while there is none waits for it; a call that was already written when the
 * connection broke, or that got no answer by its deadline, is answered with reply NULL (outcome unknown: 503). Scripts are loaded on every connect; NOSCRIPT
 * (somebody flushed them) is met by sending the text itself.
 *
 * Thread-safe. Either a thread of its own drives it (redis_start) or the owner's event loop does (redis_fd, redis_events, redis_io, redis_tick);
 * done callbacks run there, never inside redis_call, without any lock held, and must not block. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct redis;
struct reply; /* borrowed during the callback */

typedef void redis_done(void *ctx, const struct reply *reply);

/* address: "unix:/path" or "redis://[user:password@]host[:port][/db]". ERR_BAD_REQUEST when it does not parse. Connects later, in the background. */
enum err redis_new(struct redis **out, const char *address) MUST_CHECK;
void redis_free(struct redis *r); /* stops the thread; answers everything outstanding with NULL */

void redis_start(struct redis *r);

int redis_fd(const struct redis *r); /* -1 while not connected; changes over time */
unsigned redis_generation(
	const struct redis *r);                   /* another number with every new connection (whose descriptor may be the old one's number) */
unsigned redis_events(const struct redis *r); /* EPOLLIN, EPOLLOUT as wanted now */
void redis_io(struct redis *r);               /* does what can be done without blocking, calls done */
int64_t redis_tick(struct redis *r);          /* reconnects and times out what is due; returns clock_mono_ms of the next need */
bool redis_ready(const struct redis *r);
bool redis_unread(const struct redis *r); /* more had come than redis_io takes at once (256 KB): the rest is for the next */
void redis_interrupt(struct redis *r);    /* gives up what is under way or waits (answered with NULL) and connects anew */
void redis_flush(struct redis *r); /* event loops: calls are only queued until this (or redis_io) writes them, many in one system call */

/* Arguments of one call: pointers are borrowed until redis_call/redis_script returns; numbers are formatted inside. */
#define ARGS_MAX 480
struct args {
	int count;
	int keys; /* how many of them are KEYS (scripts) */
	const char *v[ARGS_MAX];
	size_t n[ARGS_MAX];
	char scratch[4096]; /* for numbers and what is printed */
	size_t used;
};
void args_init(struct args *a);
void args_add(struct args *a, const char *bytes, size_t len);
void args_str(struct args *a, const char *str); /* NULL = "" */
void args_int(struct args *a, int64_t n);
/* Copies both, one behind the other, into one argument. */
void args_join(struct args *a, const char *first, size_t first_len, const char *second, size_t second_len);
void args_printf(struct args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The command that asks whether Redis takes anything: it changes nothing, and is refused as every write is (memory full, log that cannot be written,
 * replica), which PING is not. The answer is an integer. a must be empty. */
void args_probe(struct args *a);

/* Sends the command whose words are the args. timeout_ms: 0 = the usual 2000 (design: 503 within 2 s). */
void redis_call(struct redis *r, const struct args *a, int timeout_ms, redis_done *done, void *ctx);

/* Runs the script (name of a file in store/lua) with the args: a->keys KEYS first, then ARGV. */
void redis_script(struct redis *r, const char *name, const struct args *a, redis_done *done, void *ctx);

/* Replies. All take NULL and wrong kinds: then they give NULL, 0 or the like. */
enum reply_kind { REPLY_NIL, REPLY_TEXT, REPLY_INTEGER, REPLY_LIST, REPLY_ERROR };
enum reply_kind reply_kind(const struct reply *r);
const char *reply_text(const struct reply *r, size_t *len_out); /* NUL-terminated; "" when it is no text */
int64_t reply_int(const struct reply *r);                       /* an integer, or a text that is one */
const char *reply_refusal(const struct reply *r);               /* an error's text; "" when it is none */
size_t reply_count(const struct reply *r);
const struct reply *reply_at(const struct reply *r, size_t i);

/* What a script's reply says: scripts answer {"OK", …} or {"<CODE>", …} (codes of base/err.h). NULL, LOADING, OOM, READONLY and the like: ERR_STORE_UNAVAILABLE;
 * any other error reply: ERR_INTERNAL (logged once a second at most). */
enum err reply_err(const struct reply *r);

#endif
