/* Asking Gemini for summaries: see gemini.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "outside/gemini.h"

enum {
	REQUEST_MOST = 2 * (GEMINI_PROMPT_MOST + 512 * 1024) + 64 * 1024, /* quoted once more, the material at most doubles */
	ANSWER_MOST = 1024 * 1024,
};

struct batch {
	struct fetch_job jobs[GEMINI_BATCH];
	struct buf bodies[GEMINI_BATCH];
	size_t omitted[GEMINI_BATCH];
	bool passed[GEMINI_BATCH];
};

bool gemini_on(void)
{
	return *config_text("ROOM_GEMINI_KEY") != '\0';
}

/* Base address and model as one address; false when they don't make one. */
static bool address_of(struct buf *url)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *base = config_text("ROOM_GEMINI_URL"), *model = config_text("ROOM_GEMINI_MODEL");

	buf_printf(url, "%.*s/v1beta/models/%s:generateContent", (int)(strlen(base) - (base[strlen(base) - 1] == '/')), base, model);
	return buf_ok(url) && strspn(model, allowed) == strlen(model);
}

static void prepare(struct batch *b, size_t i, const struct gemini_ask *ask, const char *url, const char *key)
{
	struct gemini_style style = {.safety = config_text("ROOM_GEMINI_SAFETY"), .max_tokens = config_number("ROOM_GEMINI_TOKENS")};
	struct fetch *call = &b->jobs[i].fetch;

	buf_init(&b->bodies[i], REQUEST_MOST);
	gemini_request(&b->bodies[i], ask, &style, &b->omitted[i]);
	*call = (struct fetch){.url = url,
		.headers = {key},
		.body = b->bodies[i].data,
		.body_len = b->bodies[i].len,
		.timeout_ms = (int)config_number("ROOM_GEMINI_TIMEOUT_S") * 1000,
		.max_bytes = ANSWER_MOST};
	fetch_outbound(call);
}

/* Both hold what was said: not left in freed memory. */
static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_done(b);
}

static void send_batch(struct caller *c, const char *url, const char *key, const struct gemini_ask *const *asks,
	struct gemini_result *const *results, size_t n)
{
	struct batch *b = calloc(1, sizeof *b);
	int64_t wait_ms;

	if (!b)
		abort();
	for (size_t i = 0; i < n; i++)
		prepare(b, i, asks[i], url, key);
	wait_ms = caller_run(c, "gemini", b->jobs, b->passed, n);
	for (size_t i = 0; i < n; i++) {
		if (b->passed[i]) {
			*results[i] = gemini_judge(b->jobs[i].err, &b->jobs[i].answer, asks[i], b->omitted[i]);
			wipe(&b->jobs[i].answer.body);
		} else {
			*results[i] = (struct gemini_result){.verdict = GEMINI_RETRY, .retry_after_ms = wait_ms, .why = CALLER_BREAKER};
		}
		wipe(&b->bodies[i]);
	}
	free(b);
}

void gemini_send(struct caller *c, const struct gemini_ask *asks, struct gemini_result *results, size_t n)
{
	const struct gemini_ask *some[GEMINI_BATCH];
	struct gemini_result *theirs[GEMINI_BATCH];
	struct buf url, key;
	bool good;

	buf_init(&url, 8192);
	buf_init(&key, 8192);
	buf_printf(&key, "x-goog-api-key: %s", config_text("ROOM_GEMINI_KEY"));
	good = address_of(&url) && buf_ok(&key) && gemini_on();
	for (size_t at = 0; at < n;) {
		size_t count = 0;
		for (; at < n && count < GEMINI_BATCH; at++) {
			results[at] = (struct gemini_result){.verdict = GEMINI_FAILED, .why = good ? "EMPTY" : "CONFIG"};
			if (!good || asks[at].count == 0)
				continue;
			some[count] = &asks[at];
			theirs[count++] = &results[at];
		}
		if (count > 0)
			send_batch(c, url.data, key.data, some, theirs, count);
	}
	wipe(&key);
	buf_done(&url);
}
