/* Sending pushes: token, calls, and once more when the token was refused. See fcm.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/utf8.h"
#include "outside/fcm.h"
#include "outside/oauth.h"

enum {
	TIMEOUT_MS = 15000,
	TEXT_MOST = 500,
	MESSAGE_MOST = 8192, /* FCM takes 4096 bytes of payload; headers and options don't count */
	ANSWER_MOST = 64 * 1024,
};

struct fcm {
	struct oauth *oauth;
	char *url;
};

/* What one round of calls works with. */
struct batch {
	struct fetch_job jobs[CALLER_BATCH];
	struct buf bodies[CALLER_BATCH];
	bool passed[CALLER_BATCH];
	char bearer[OAUTH_TOKEN_MAX + 32];
};

enum err fcm_open(struct fcm **out, const char **why)
{
	const char *path = config_text("ROOM_FCM_CREDENTIALS"), *base = config_text("ROOM_FCM_URL"), *text = config_text("ROOM_PUSH_TEXT");
	struct fcm *f;
	struct buf url;
	enum err e;

	if (!*path)
		return ERR_NOT_FOUND;
	if (strlen(text) > TEXT_MOST || !utf8_valid(text, strlen(text))) {
		*why = "ROOM_PUSH_TEXT must be at most 500 bytes of UTF-8";
		return ERR_BAD_REQUEST;
	}
	f = calloc(1, sizeof *f);
	if (!f)
		abort();
	e = oauth_open(&f->oauth, path, OAUTH_FCM_SCOPE, why);
	if (e != OK) {
		free(f);
		return e;
	}
	buf_init(&url, 8192);
	buf_printf(
		&url, "%.*s/v1/projects/%s/messages:send", (int)(strlen(base) - (base[strlen(base) - 1] == '/')), base, oauth_project(f->oauth));
	f->url = buf_take(&url, NULL);
	if (!f->url) {
		*why = "ROOM_FCM_URL is too long";
		fcm_close(f);
		return ERR_BAD_REQUEST;
	}
	*out = f;
	return OK;
}

void fcm_close(struct fcm *f)
{
	if (!f)
		return;
	oauth_close(f->oauth);
	free(f->url);
	free(f);
}

/* Tokens and installation ids are visible ASCII. */
static bool sendable(const struct fcm_push *p)
{
	size_t len = strlen(p->target);

	for (size_t i = 0; i < len; i++)
		if (p->target[i] <= ' ' || p->target[i] > '~')
			return false;
	return len > 0 && len <= FCM_TARGET_MAX;
}

/* Right before it is sent: those before it, and our token, may have taken their time. */
static void prepare(struct batch *b, size_t i, const struct fcm *f, const struct fcm_push *p)
{
	struct fetch *call = &b->jobs[i].fetch;
	int64_t left_ms = p->until_ms - clock_mono_ms() - FCM_WIRE_MS;

	buf_init(&b->bodies[i], MESSAGE_MOST);
	fcm_message(&b->bodies[i], p, left_ms > 0 ? left_ms / 1000 : 0, config_text("ROOM_PUSH_TEXT"), clock_now_ms());
	*call = (struct fetch){.url = f->url,
		.headers = {b->bearer},
		.body = b->bodies[i].data,
		.body_len = b->bodies[i].len,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = ANSWER_MOST};
	fetch_outbound(call);
}

static void send_batch(struct batch *b, struct caller *c, const struct fcm_push *const *pushes, struct fcm_result *const *results, size_t n)
{
	int64_t wait_ms = caller_run(c, "fcm", b->jobs, b->passed, n);

	for (size_t i = 0; i < n; i++) {
		if (b->passed[i]) {
			*results[i] = fcm_judge(b->jobs[i].err, &b->jobs[i].answer, pushes[i]->attempt);
			fetch_answer_done(&b->jobs[i].answer);
		} else {
			*results[i] = (struct fcm_result){.verdict = FCM_RETRY_AFTER, .retry_after_ms = wait_ms, .why = CALLER_BREAKER};
		}
		buf_done(&b->bodies[i]);
	}
}

/* All wait for a token that we can't get. */
static void no_token(struct fcm_result *const *results, size_t n, const struct oauth_result *token)
{
	for (size_t i = 0; i < n; i++)
		*results[i] = (struct fcm_result){
			.verdict = token->lasting ? FCM_KEEP_AND_FAIL : FCM_RETRY_AFTER, .retry_after_ms = token->retry_after_ms, .why = token->why};
}

/* One round with one token; the token is forgotten when somebody refused it. */
static void round_of(struct fcm *f, struct caller *c, const struct fcm_push *const *pushes, struct fcm_result *const *results, size_t n)
{
	struct batch *b = calloc(1, sizeof *b);
	char token[OAUTH_TOKEN_MAX];
	struct oauth_result got;

	if (!b)
		abort();
	got = oauth_token(f->oauth, c, token);
	if (!got.good) {
		no_token(results, n, &got);
		goto out;
	}
	snprintf(b->bearer, sizeof b->bearer, "Authorization: Bearer %s", token);
	for (size_t i = 0; i < n; i++)
		prepare(b, i, f, pushes[i]);
	send_batch(b, c, pushes, results, n);
	for (size_t i = 0; i < n; i++)
		if (results[i]->stale_token)
			oauth_forget(f->oauth, token);
	explicit_bzero(b->bearer, sizeof b->bearer);
	explicit_bzero(token, sizeof token);
out:
	free(b);
}

void fcm_send(struct fcm *f, struct caller *c, const struct fcm_push *pushes, struct fcm_result *results, size_t n)
{
	const struct fcm_push *some[CALLER_BATCH];
	struct fcm_result *theirs[CALLER_BATCH];

	for (size_t at = 0; at < n;) {
		size_t count = 0, again = 0;
		for (; at < n && count < CALLER_BATCH; at++) {
			if (!sendable(&pushes[at])) {
				results[at] = (struct fcm_result){.verdict = FCM_FORGET_TARGET, .why = "INVALID_TARGET"};
				continue;
			}
			some[count] = &pushes[at];
			theirs[count++] = &results[at];
		}
		if (count > 0)
			round_of(f, c, some, theirs, count);
		/* Our token was refused before its time (revoked, a clock that is off): once more with a fresh one. */
		for (size_t i = 0; i < count; i++) {
			if (!theirs[i]->stale_token)
				continue;
			some[again] = some[i];
			theirs[again++] = theirs[i];
		}
		if (again > 0)
			round_of(f, c, some, theirs, again);
	}
}
