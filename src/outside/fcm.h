/* Firebase Cloud Messaging, HTTP v1: a push that says nothing but that there is something. Called by the worker; research/apis.md §1 is the contract. */
#ifndef OUTSIDE_FCM_H
#define OUTSIDE_FCM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "outside/caller.h"

#define FCM_TARGET_MAX 1024 /* bytes of a token or fid */
#define FCM_WIRE_MS 30000   /* what a call may take from when it was made ready, and its way to the device: off its time to live */
#define FCM_TTL_MOST_S (28 * 24 * 3600) /* Google's limit */

struct fcm; /* the account; any thread */

struct fcm_push {
	const char *target; /* registration token, or Firebase installation id */
	bool fid;           /* which of the two */
	int64_t until_ms;   /* clock_mono_ms: when its session ends, which it must not outlive */
	int attempt;        /* 0, 1, … of this push: how long a retry waits */
};

enum fcm_verdict {
	FCM_DELIVERED,     /* Google has it */
	FCM_FORGET_TARGET, /* the target is gone: delete it, drop the push */
	FCM_RETRY_AFTER,   /* again after retry_after_ms; the target stays */
	FCM_KEEP_AND_FAIL, /* our settings are wrong (project, key, APNs): dead letter, keep the target, tell the operator */
	FCM_DROP,          /* this push can't be sent; keep the target */
};

struct fcm_result {
	enum fcm_verdict verdict;
	int64_t retry_after_ms; /* with FCM_RETRY_AFTER */
	int status;             /* HTTP, 0: no answer */
	const char *why;        /* a fixed word for logs and dead letters: "UNREGISTERED", "TIMEOUT", … */
	bool stale_token;       /* ours was refused: fcm_send has dealt with it */
};

/* From ROOM_FCM_CREDENTIALS. ERR_NOT_FOUND: unset, no push on this machine. ERR_BAD_REQUEST: *why (static) says what is wrong. */
enum err fcm_open(struct fcm **out, const char **why) MUST_CHECK;
void fcm_close(struct fcm *f);

/* Sends n pushes, CALLER_BATCH at once, and judges each. Blocks: a batch takes 25 s at the longest (a token 10, a call 15), twice that when the token was
 * refused, and a few seconds more when Redis hangs. Whoever holds claims with a lease sends a batch at a time. */
void fcm_send(struct fcm *f, struct caller *c, const struct fcm_push *pushes, struct fcm_result *results, size_t n);

/* ---- pure parts ---- */

/* The request's body. ttl_s: 0 is now or never. text: the fixed sentence (ROOM_PUSH_TEXT). now_ms: for APNs, whose expiry is a date. */
void fcm_message(struct buf *out, const struct fcm_push *p, int64_t ttl_s, const char *text, int64_t now_ms);
struct fcm_result fcm_judge(enum err e, const struct answer *a, int attempt);

#endif
