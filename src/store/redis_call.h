/* One call on its way: what redis.c queues. Internal to store/redis*. */
#ifndef STORE_REDIS_CALL_H
#define STORE_REDIS_CALL_H

#include <hiredis/hiredis.h>

#include "store/redis.h"

struct call {
	struct call *next;
	redis_done *done; /* NULL: part of the greeting */
	void *ctx;
	int64_t deadline; /* clock_mono_ms */
	redisReply *reply;
	int script;      /* index in lua_sources, -1 = a plain command */
	bool plain_text; /* sent with EVAL: the cache had lost the script */
	int words;       /* of a script's tail */
	size_t len;
	char bytes[]; /* RESP: a whole command, or a script's words after its SHA */
};

struct queue {
	struct call *first, **end;
	size_t count;
};

void queue_init(struct queue *q);
void queue_push(struct queue *q, struct call *c);
struct call *queue_pop(struct queue *q); /* NULL when empty */

/* A call with the args written out as RESP; free() it. call_script aborts when no file of store/lua has that name: a mistake of ours. */
struct call *call_command(const struct args *a, int timeout_ms, redis_done *done, void *ctx);
struct call *call_script(const char *name, const struct args *a, int timeout_ms, redis_done *done, void *ctx);

/* Writes "$<len>\r\n" to out (24 bytes at least); returns its length. */
size_t args_word_head(char *out, size_t len);

#endif
