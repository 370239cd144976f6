/* Telling MainServer what happened: one POST per event to ROOM_WEBHOOK_URL, signed by Standard Webhooks (webhook-id, -timestamp, -signature).
 * Called by the worker, which keeps the deliveries in SQL, repeats them for a day and shows the dead ones. */
#ifndef OUTSIDE_MAINSERVER_H
#define OUTSIDE_MAINSERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "outside/caller.h"

struct webhook {
	const char *id;   /* the delivery's, the same in every attempt; [A-Za-z0-9_-]{1,64} */
	const char *body; /* as mainserver_event made it; the very bytes that are signed */
	size_t body_len;
	const char *request_id; /* X-Request-Id of what caused it, NULL: none */
	int attempt;            /* 0, 1, … */
};

enum webhook_verdict {
	WEBHOOK_DELIVERED, /* 2xx */
	WEBHOOK_RETRY,     /* again after retry_after_ms; the caller gives up after a day */
	WEBHOOK_GONE,      /* 410: MainServer wants no more of this: dead letter now */
};

struct webhook_result {
	enum webhook_verdict verdict;
	int64_t retry_after_ms; /* with WEBHOOK_RETRY */
	int status;
	const char *why; /* a fixed word */
};

struct mainserver; /* address and secrets; any thread */

/* From ROOM_WEBHOOK_URL and ROOM_WEBHOOK_SECRET (several, comma-separated, while one replaces another: each signs). ERR_NOT_FOUND: no address set.
 * ERR_BAD_REQUEST: *why (static) says what is wrong, e.g. an address without a secret. */
enum err mainserver_open(struct mainserver **out, const char **why) MUST_CHECK;
void mainserver_close(struct mainserver *m);

/* Sends n, CALLER_BATCH at once, and judges each. Blocks: a batch takes 15 s at the longest, and a few seconds more when Redis hangs. */
void mainserver_send(struct mainserver *m, struct caller *c, const struct webhook *hooks, struct webhook_result *results, size_t n);

/* ---- pure parts ---- */

/* The body of an event: {"type","timestamp" (ISO 8601),"data"}. Takes over nothing. */
void mainserver_event(struct buf *out, const char *type, int64_t at_ms, const json_t *data);

/* "v1,<base64> v1,<base64>": HMAC-SHA256 of "<id>.<timestamp>.<body>" with each of m's secrets. */
void mainserver_signature(struct buf *out, const struct mainserver *m, const char *id, int64_t timestamp_s, const char *body, size_t len);
struct mainserver *mainserver_new(const char *url, const char *secrets, const char **why);

struct webhook_result mainserver_judge(enum err e, const struct answer *a, int attempt);

#endif
