#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"

static struct redis *commands, *reads;

enum err store_open(void)
{
	enum err e = redis_new(&commands, config_text("ROOM_REDIS"));

	if (e == OK)
		e = redis_new(&reads, config_text("ROOM_REDIS"));
	if (e != OK)
		return e;
	redis_start(commands);
	redis_start(reads);
	return OK;
}

void store_close(void)
{
	redis_free(commands);
	redis_free(reads);
	commands = reads = NULL;
}

struct redis *store_commands(void)
{
	return commands;
}
struct redis *store_reads(void)
{
	return reads;
}

struct ping {
	void (*done)(void *ctx, enum err e);
	void *ctx;
};

static void ponged(void *ctx, const struct reply *reply)
{
	struct ping *p = ctx;

	p->done(p->ctx, reply_kind(reply) == REPLY_INTEGER ? OK : ERR_STORE_UNAVAILABLE);
	free(p);
}

void store_ping(void (*done)(void *ctx, enum err e), void *ctx)
{
	struct args a;
	struct ping *p = malloc(sizeof *p);

	if (p == NULL)
		abort();
	p->done = done;
	p->ctx = ctx;
	args_init(&a);
	args_probe(&a);
	redis_call(commands, &a, 0, ponged, p);
}
