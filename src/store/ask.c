/* Questions to Redis with answers waited for: see ask.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/ask.h"

struct told {
	const char *text;
	size_t len;
	int64_t number;
	size_t count;
	struct told *items;
};

/* ---- answers ---- */

static void copy(struct told *out, const struct reply *r, struct arena *a)
{
	const char *text;
	char digits[24];

	*out = (struct told){.text = "", .number = reply_int(r), .count = reply_count(r)};
	if (reply_kind(r) == REPLY_TEXT) {
		text = reply_text(r, &out->len);
		out->text = arena_strndup(a, text, out->len);
	} else if (reply_kind(r) == REPLY_INTEGER) {
		out->len = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)out->number);
		out->text = arena_strndup(a, digits, out->len);
	}
	out->items = out->count > 0 ? arena_alloc(a, out->count * sizeof *out->items) : NULL;
	for (size_t i = 0; i < out->count; i++)
		copy(&out->items[i], reply_at(r, i), a);
}

const struct told *told_at(const struct told *t, size_t i)
{
	return t && i < t->count ? &t->items[i] : NULL;
}

size_t told_count(const struct told *t)
{
	return t ? t->count : 0;
}

const char *told_text(const struct told *t)
{
	return t ? t->text : "";
}

size_t told_len(const struct told *t)
{
	return t ? t->len : 0;
}

int64_t told_int(const struct told *t)
{
	return t ? t->number : 0;
}

/* ---- questions ---- */

/* Several that are under way. Redis answers each, in the end with NULL, so the asker's stack outlives it. */
struct round {
	pthread_mutex_t lock;
	pthread_cond_t all;
	size_t left;
	struct arena *arena;
};

struct question {
	struct round *round;
	bool script;
	enum err err;
	struct told *told;
};

static void on_reply(void *ctx, const struct reply *r)
{
	struct question *q = ctx;
	struct round *round = q->round;

	pthread_mutex_lock(&round->lock);
	if (q->script || !r || reply_kind(r) == REPLY_ERROR)
		q->err = reply_err(r);
	q->told = arena_alloc(round->arena, sizeof *q->told);
	copy(q->told, r, round->arena);
	if (--round->left == 0)
		pthread_cond_signal(&round->all);
	pthread_mutex_unlock(&round->lock);
}

static void begin(struct round *round, struct arena *a, size_t n)
{
	*round = (struct round){.left = n, .arena = a};
	pthread_mutex_init(&round->lock, NULL);
	pthread_cond_init(&round->all, NULL);
}

static void wait_all(struct round *round)
{
	pthread_mutex_lock(&round->lock);
	while (round->left > 0)
		pthread_cond_wait(&round->all, &round->lock);
	pthread_mutex_unlock(&round->lock);
	pthread_cond_destroy(&round->all);
	pthread_mutex_destroy(&round->lock);
}

static enum err ask(struct redis *r, struct arena *a, const char *script, const struct args *args, const struct told **out)
{
	struct round round;
	struct question q = {.round = &round, .script = script != NULL};

	begin(&round, a, 1);
	if (script)
		redis_script(r, script, args, on_reply, &q);
	else
		redis_call(r, args, 0, on_reply, &q);
	wait_all(&round);
	if (out)
		*out = q.told;
	return q.err;
}

enum err ask_script(struct redis *r, struct arena *a, const char *script, const struct args *args, const struct told **out)
{
	return ask(r, a, script, args, out);
}

enum err ask_command(struct redis *r, struct arena *a, const struct args *args, const struct told **out)
{
	return ask(r, a, NULL, args, out);
}

void ask_scripts(struct redis *r, struct arena *a, const char *script, void (*fill)(void *ctx, size_t i, struct args *args), void *ctx,
	size_t n, enum err *errs, const struct told **told)
{
	struct question *q = calloc(n + 1, sizeof *q);
	struct round round;
	struct args args;

	if (!q)
		abort();
	begin(&round, a, n);
	for (size_t i = 0; i < n; i++) {
		q[i] = (struct question){.round = &round, .script = true};
		args_init(&args);
		fill(ctx, i, &args);
		redis_script(r, script, &args, on_reply, &q[i]);
	}
	wait_all(&round);
	for (size_t i = 0; i < n; i++) {
		errs[i] = q[i].err;
		told[i] = q[i].told;
	}
	free(q);
}
