/* Webhooks: what is signed, sent and made of the answer. See mainserver.h; the scheme is https://www.standardwebhooks.com (symmetric, v1). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/id.h"
#include "base/mac.h"
#include "outside/backoff.h"
#include "outside/mainserver.h"

enum {
	SECRETS_MOST = 4,
	SECRET_LEAST = 16, /* bytes */
	SECRET_MOST = 1024,
	TIMEOUT_MS = 15000,
	ANSWER_MOST = 64 * 1024, /* nobody reads it; more is not waited for */
	EVENT_MOST = 64 * 1024,
	SIGNATURES_MOST = 512,
	RETRY_LEAST_MS = 10000,
	RETRY_MOST_MS = 2 * 3600 * 1000,
};

struct secret {
	unsigned char *bytes;
	size_t len;
};

struct mainserver {
	char *url;
	struct secret secrets[SECRETS_MOST];
	size_t count;
};

/* ---- secrets ---- */

/* One item of the list; NULL, or what is wrong with it. */
static const char *add_secret(struct mainserver *m, const char *text, size_t len)
{
	static const char prefix[] = "whsec_";
	struct secret *s = &m->secrets[m->count];
	long n;

	if (m->count == SECRETS_MOST)
		return "ROOM_WEBHOOK_SECRET: too many secrets";
	if (len > SECRET_MOST)
		return "ROOM_WEBHOOK_SECRET: a secret is too long";
	if (!(s->bytes = malloc(len + 1)))
		abort();
	m->count++;
	if (len >= sizeof prefix - 1 && memcmp(text, prefix, sizeof prefix - 1) == 0) {
		n = mac_unbase64(s->bytes, len, text + sizeof prefix - 1, len - (sizeof prefix - 1));
		if (n < 0)
			return "ROOM_WEBHOOK_SECRET: after whsec_ must come base64";
		s->len = (size_t)n;
	} else {
		memcpy(s->bytes, text, len);
		s->len = len;
	}
	return s->len < SECRET_LEAST ? "ROOM_WEBHOOK_SECRET: a secret must have at least 16 bytes" : NULL;
}

static const char *add_secrets(struct mainserver *m, const char *list)
{
	const char *why = NULL;

	while (*list && !why) {
		size_t len = strcspn(list, ","), from = strspn(list, " "), to = len;
		while (to > from && list[to - 1] == ' ')
			to--;
		if (to > from)
			why = add_secret(m, list + from, to - from);
		list += len + (list[len] == ',');
	}
	return why ? why : m->count == 0 ? "ROOM_WEBHOOK_URL is set without ROOM_WEBHOOK_SECRET" : NULL;
}

struct mainserver *mainserver_new(const char *url, const char *secrets, const char **why)
{
	struct mainserver *m = calloc(1, sizeof *m);

	if (!m || !(m->url = strdup(url)))
		abort();
	*why = add_secrets(m, secrets);
	if (!*why)
		return m;
	mainserver_close(m);
	return NULL;
}

enum err mainserver_open(struct mainserver **out, const char **why)
{
	const char *url = config_text("ROOM_WEBHOOK_URL");
	struct mainserver *m;

	if (!*url)
		return ERR_NOT_FOUND;
	m = mainserver_new(url, config_text("ROOM_WEBHOOK_SECRET"), why);
	if (!m)
		return ERR_BAD_REQUEST;
	*out = m;
	return OK;
}

void mainserver_close(struct mainserver *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		explicit_bzero(m->secrets[i].bytes, m->secrets[i].len);
		free(m->secrets[i].bytes);
	}
	free(m->url);
	free(m);
}

/* ---- pure parts ---- */

void mainserver_event(struct buf *out, const char *type, int64_t at_ms, const json_t *data)
{
	time_t at_s = (time_t)(at_ms / 1000);
	char *json = json_dumps(data, JSON_COMPACT), when[40];
	struct tm t;

	if (!json)
		abort();
	gmtime_r(&at_s, &t);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &t);
	BUF_LIT(out, "{\"type\":");
	buf_json(out, type, strlen(type));
	buf_printf(out, ",\"timestamp\":\"%s.%03dZ\",\"data\":", when, (int)(at_ms % 1000));
	buf_str(out, json);
	buf_char(out, '}');
	free(json);
}

void mainserver_signature(struct buf *out, const struct mainserver *m, const char *id, int64_t timestamp_s, const char *body, size_t len)
{
	unsigned char mac[MAC_BYTES];
	struct buf text;

	buf_init(&text, len + 128);
	buf_printf(&text, "%s.%" PRId64 ".", id, timestamp_s);
	buf_add(&text, body, len);
	for (size_t i = 0; buf_ok(&text) && i < m->count; i++) {
		mac_sha256(mac, m->secrets[i].bytes, m->secrets[i].len, text.data, text.len);
		buf_str(out, i > 0 ? " v1," : "v1,");
		mac_base64(out, mac, sizeof mac);
	}
	buf_done(&text);
}

static struct webhook_result retry(const struct answer *a, int attempt, const char *why)
{
	int64_t ms = backoff_ms(attempt, RETRY_LEAST_MS, RETRY_MOST_MS);

	return (struct webhook_result){
		.verdict = WEBHOOK_RETRY, .retry_after_ms = a->retry_after_ms > ms ? a->retry_after_ms : ms, .status = a->status, .why = why};
}

static const char *word_of(const struct answer *a)
{
	switch (a->fault) {
	case FETCH_REFUSED: return "ADDRESS";
	case FETCH_UNREACHABLE: return "UNREACHABLE";
	case FETCH_TLS: return "TLS";
	case FETCH_TIMEOUT: return "TIMEOUT";
	case FETCH_BROKEN: return "INTERNAL";
	default: return "CUT";
	}
}

struct webhook_result mainserver_judge(enum err e, const struct answer *a, int attempt)
{
	if (a->status == 410)
		return (struct webhook_result){.verdict = WEBHOOK_GONE, .status = 410, .why = "GONE"};
	if (a->status >= 300)
		return retry(a, attempt,
			a->status < 400        ? "REDIRECTED"
				: a->status == 429 ? "THROTTLED"
				: a->status < 500  ? "REFUSED"
								   : "UNAVAILABLE");
	if (e != OK) /* cut after a good beginning too: a repeat is told by its id */
		return retry(a, attempt, word_of(a));
	if (a->status < 200)
		return retry(a, attempt, "UNAVAILABLE");
	return (struct webhook_result){.verdict = WEBHOOK_DELIVERED, .status = a->status, .why = "OK"};
}

/* ---- sending ---- */

/* One delivery's request: what the job points to. */
struct request {
	char id[ID_MAX + 16], timestamp[48], request_id[ID_MAX + 16];
	struct buf signature;
	size_t seen; /* bytes of the answer */
};

static bool skim(void *ctx, const char *bytes, size_t len)
{
	size_t *seen = ctx;

	(void)bytes;
	*seen += len;
	return *seen <= ANSWER_MOST;
}

static void prepare(struct request *r, struct fetch *call, const struct mainserver *m, const struct webhook *hook)
{
	int64_t now_s = clock_now_ms() / 1000;
	bool known = hook->request_id && id_valid(hook->request_id, strlen(hook->request_id));

	snprintf(r->id, sizeof r->id, "webhook-id: %s", hook->id);
	snprintf(r->timestamp, sizeof r->timestamp, "webhook-timestamp: %" PRId64, now_s);
	snprintf(r->request_id, sizeof r->request_id, "X-Request-Id: %s", known ? hook->request_id : "");
	buf_init(&r->signature, SIGNATURES_MOST);
	BUF_LIT(&r->signature, "webhook-signature: ");
	mainserver_signature(&r->signature, m, hook->id, now_s, hook->body, hook->body_len);
	*call = (struct fetch){.url = m->url,
		.headers = {r->id, r->timestamp, r->signature.data, known ? r->request_id : NULL},
		.body = hook->body,
		.body_len = hook->body_len,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = ANSWER_MOST,
		.on_bytes = skim,
		.ctx = &r->seen};
	fetch_outbound(call);
}

static void send_batch(struct mainserver *m, struct caller *c, const struct webhook *hooks, struct webhook_result *results, size_t n)
{
	struct request *requests = calloc(n, sizeof *requests);
	struct fetch_job *jobs = calloc(n, sizeof *jobs);
	bool passed[CALLER_BATCH];
	int64_t wait_ms;

	if (!requests || !jobs)
		abort();
	for (size_t i = 0; i < n; i++)
		prepare(&requests[i], &jobs[i].fetch, m, &hooks[i]);
	wait_ms = caller_run(c, "mainserver", jobs, passed, n);
	for (size_t i = 0; i < n; i++) {
		if (passed[i]) {
			results[i] = mainserver_judge(jobs[i].err, &jobs[i].answer, hooks[i].attempt);
			fetch_answer_done(&jobs[i].answer);
		} else {
			results[i] = (struct webhook_result){.verdict = WEBHOOK_RETRY, .retry_after_ms = wait_ms, .why = CALLER_BREAKER};
		}
		buf_done(&requests[i].signature);
	}
	free(jobs);
	free(requests);
}

void mainserver_send(struct mainserver *m, struct caller *c, const struct webhook *hooks, struct webhook_result *results, size_t n)
{
	for (size_t at = 0; at < n; at += CALLER_BATCH)
		send_batch(m, c, hooks + at, results + at, n - at < CALLER_BATCH ? n - at : CALLER_BATCH);
}
