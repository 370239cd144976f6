/* The breakers' state in Redis: read, step, swap; again when somebody was faster. See breaker.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "outside/breaker.h"

enum {
	TRIES = 8,                  /* against that many others at once; then the news is not worth more */
	LIFE_MS = 24 * 3600 * 1000, /* a state that nobody touched for so long is forgotten */
	TIMEOUT_MS = 3000,          /* redis_script itself answers within 2 s: this is the belt */
};

/* One script call, awaited. Freed by whoever comes last: the reply may come after we stopped waiting. */
struct ask {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	int owners;
	bool done;
	bool good;                   /* the reply began with OK */
	char text[BREAKER_TEXT_MAX]; /* its second item */
	int64_t number;              /* and its third */
};

static void let_go(struct ask *a)
{
	bool last = --a->owners == 0;

	pthread_mutex_unlock(&a->lock);
	if (!last)
		return;
	pthread_cond_destroy(&a->answered);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static void on_reply(void *ctx, const struct reply *reply)
{
	struct ask *a = ctx;
	const char *word = reply_text(reply_at(reply, 0), NULL), *text = reply_text(reply_at(reply, 1), NULL);

	pthread_mutex_lock(&a->lock);
	a->good = word && strcmp(word, "OK") == 0;
	snprintf(a->text, sizeof a->text, "%s", text ? text : "");
	a->number = reply_int(reply_at(reply, 2));
	a->done = true;
	pthread_cond_signal(&a->answered);
	let_go(a);
}

/* Runs the script and waits. true: it said OK; text (may be NULL) and number (may be NULL) are what came with it. *late: nobody answered. */
static bool run(struct redis *redis, const char *script, const struct args *args, char *text, int64_t *number, bool *late)
{
	struct ask *a = calloc(1, sizeof *a);
	pthread_condattr_t monotonic;
	struct timespec until;
	bool good;

	if (!a)
		abort();
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	a->owners = 2;
	redis_script(redis, script, args, on_reply, a);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TIMEOUT_MS / 1000;
	pthread_mutex_lock(&a->lock);
	while (!a->done && pthread_cond_timedwait(&a->answered, &a->lock, &until) == 0)
		;
	good = a->done && a->good;
	*late = !a->done;
	if (good && text)
		memcpy(text, a->text, BREAKER_TEXT_MAX);
	if (good && number)
		*number = a->number;
	let_go(a);
	return good;
}

static bool read_state(struct redis *redis, const char *name, char text[BREAKER_TEXT_MAX], int64_t *now_ms)
{
	struct args args;
	bool late;

	args_init(&args);
	args_printf(&args, "{0}:breaker:%s", name);
	args.keys = 1;
	return run(redis, "breaker_read", &args, text, now_ms, &late);
}

/* true: done, or not worth another try; false: somebody was faster. */
static bool swap_state(struct redis *redis, const char *name, const char *was, const struct breaker_state *next, bool *swapped)
{
	char text[BREAKER_TEXT_MAX];
	struct args args;
	bool late;

	breaker_write(text, next);
	args_init(&args);
	args_printf(&args, "{0}:breaker:%s", name);
	args.keys = 1;
	args_str(&args, was);
	args_str(&args, text);
	args_int(&args, LIFE_MS);
	*swapped = run(redis, "breaker_swap", &args, NULL, NULL, &late);
	return *swapped || late;
}

enum breaker_gate breaker_enter(struct redis *redis, const char *name, int64_t *wait_ms)
{
	char text[BREAKER_TEXT_MAX];
	struct breaker_state s;
	int64_t now_ms;
	bool swapped = false;

	for (int i = 0; redis && i < TRIES && read_state(redis, name, text, &now_ms); i++) {
		breaker_read(&s, text);
		switch (breaker_decide(&s, now_ms, wait_ms)) {
		case BREAKER_PASS: return BREAKER_PASS;
		case BREAKER_WAIT: return BREAKER_WAIT;
		case BREAKER_TRY:
			if (swap_state(redis, name, text, &s, &swapped))
				return swapped ? BREAKER_TRY : BREAKER_PASS;
			break;
		}
	}
	return BREAKER_PASS;
}

/* What calls came to, or (hold) that nobody shall call for ms. */
struct news {
	bool hold, good;
	int failures;
	int64_t ms;
};

static void note(struct redis *redis, const char *name, const struct news *n)
{
	char text[BREAKER_TEXT_MAX];
	struct breaker_state s;
	int64_t now_ms;
	bool swapped;

	for (int i = 0; redis && i < TRIES && read_state(redis, name, text, &now_ms); i++) {
		breaker_read(&s, text);
		if (n->good && s.failures == 0 && s.open_until_ms == 0)
			return; /* closed and clean, as nearly always: nothing to write */
		if (n->hold)
			breaker_note_hold(&s, now_ms, n->ms);
		else
			breaker_note(&s, now_ms, n->good, n->failures, n->ms);
		if (swap_state(redis, name, text, &s, &swapped))
			return;
	}
}

void breaker_report(struct redis *redis, const char *name, bool good, int failures, int64_t retry_after_ms)
{
	note(redis, name, &(struct news){.good = good, .failures = failures, .ms = retry_after_ms});
}

void breaker_hold(struct redis *redis, const char *name, int64_t ms)
{
	note(redis, name, &(struct news){.hold = true, .ms = ms});
}

bool breaker_look(struct redis *redis, const char *name, struct breaker_state *out, int64_t *now_ms)
{
	char text[BREAKER_TEXT_MAX];

	if (!redis || !read_state(redis, name, text, now_ms))
		return false;
	breaker_read(out, text);
	return true;
}
