/* Replies of Redis, seen through our own names: see redis.h. */
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/redis.h"

static const redisReply *own(const struct reply *r)
{
	return (const redisReply *)r;
}

enum reply_kind reply_kind(const struct reply *r)
{
	if (r == NULL)
		return REPLY_NIL;
	switch (own(r)->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS: return REPLY_TEXT;
	case REDIS_REPLY_INTEGER: return REPLY_INTEGER;
	case REDIS_REPLY_ARRAY: return REPLY_LIST;
	case REDIS_REPLY_ERROR: return REPLY_ERROR;
	default: return REPLY_NIL;
	}
}

const char *reply_text(const struct reply *r, size_t *len_out)
{
	bool text = reply_kind(r) == REPLY_TEXT;

	if (len_out != NULL)
		*len_out = text ? (size_t)own(r)->len : 0;
	return text ? own(r)->str : "";
}

const char *reply_refusal(const struct reply *r)
{
	return reply_kind(r) == REPLY_ERROR ? own(r)->str : "";
}

int64_t reply_int(const struct reply *r)
{
	switch (reply_kind(r)) {
	case REPLY_INTEGER: return own(r)->integer;
	case REPLY_TEXT: return strtoll(own(r)->str, NULL, 10);
	default: return 0;
	}
}

size_t reply_count(const struct reply *r)
{
	return reply_kind(r) == REPLY_LIST ? own(r)->elements : 0;
}

const struct reply *reply_at(const struct reply *r, size_t i)
{
	return i < reply_count(r) ? (const struct reply *)own(r)->element[i] : NULL;
}

static bool is_outage(const char *error)
{
	static const char *const words[] = {
		"LOADING", "OOM", "READONLY", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "TRYAGAIN"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		/* Inside a script the word stands behind what Lua puts before it, or at the start. */
		if (strncmp(error, words[i], strlen(words[i])) == 0)
			return true;
	}
	return strstr(error, "OOM command not allowed") != NULL;
}

/* Redis rewrites its append-only file already (aof.c, rewriteAppendOnlyFileBackground): nothing is wrong, it can be asked again. */
static bool is_under_way(const char *error)
{
	return strstr(error, "rewriting already in progress") != NULL;
}

static void complain(const char *error)
{
	static int64_t last;
	int64_t now = clock_mono_ms(), before = __atomic_exchange_n(&last, now, __ATOMIC_RELAXED);

	/* The script's name and line are in the text; its arguments never are. */
	if (now - before > 1000 || before == 0)
		log_line(LOG_ERROR, "redis.script", "s:error", error, NULL);
}

enum err reply_err(const struct reply *r)
{
	size_t len;

	switch (reply_kind(r)) {
	case REPLY_LIST: {
		const char *word = reply_text(reply_at(r, 0), &len);
		return len == 2 && memcmp(word, "OK", 2) == 0 ? OK : err_by_code(word, len);
	}
	case REPLY_ERROR:
		if (is_outage(own(r)->str))
			return ERR_STORE_UNAVAILABLE;
		if (is_under_way(own(r)->str))
			return ERR_CONFLICT;
		complain(own(r)->str);
		return ERR_INTERNAL;
	case REPLY_NIL: return ERR_STORE_UNAVAILABLE;
	default: return ERR_INTERNAL;
	}
}
