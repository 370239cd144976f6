/* Building calls and queueing them: see redis_call.h. */
#include "store/redis_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/lua.h"

void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
	q->count = 0;
}

void queue_push(struct queue *q, struct call *c)
{
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
	q->count++;
}

struct call *queue_pop(struct queue *q)
{
	struct call *c = q->first;
	if (c == NULL)
		return NULL;
	q->first = c->next;
	if (q->first == NULL)
		q->end = &q->first;
	q->count--;
	return c;
}

static size_t put_words(char *at, const struct args *a)
{
	char *start = at;

	for (int i = 0; i < a->count; i++) {
		at += args_word_head(at, a->n[i]);
		memcpy(at, a->v[i], a->n[i]);
		at += a->n[i];
		*at++ = '\r';
		*at++ = '\n';
	}
	return (size_t)(at - start);
}

static struct call *call_new(const struct args *a, int timeout_ms, redis_done *done, void *ctx)
{
	size_t room = 64;

	for (int i = 0; i < a->count; i++)
		room += a->n[i] + 26;
	struct call *c = malloc(sizeof *c + room);
	if (c == NULL)
		abort();
	memset(c, 0, sizeof *c);
	c->done = done;
	c->ctx = ctx;
	c->deadline = clock_mono_ms() + (timeout_ms);
	c->script = -1;
	return c;
}

struct call *call_command(const struct args *a, int timeout_ms, redis_done *done, void *ctx)
{
	struct call *c = call_new(a, timeout_ms, done, ctx);
	size_t n = (size_t)sprintf(c->bytes, "*%d\r\n", a->count);

	c->len = n + put_words(c->bytes + n, a);
	return c;
}

static int script_index(const char *name)
{
	size_t low = 0, high = lua_source_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, lua_sources[middle].name);
		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	abort(); /* a name that no file has: a mistake of ours */
}

struct call *call_script(const char *name, const struct args *a, int timeout_ms, redis_done *done, void *ctx)
{
	struct call *c = call_new(a, timeout_ms, done, ctx);
	char keys[16];
	int digits = snprintf(keys, sizeof keys, "%d", a->keys);
	size_t n = (size_t)sprintf(c->bytes, "$%d\r\n%s\r\n", digits, keys);

	c->script = script_index(name);
	c->words = a->count + 1;
	c->len = n + put_words(c->bytes + n, a);
	return c;
}
