/* What is said to Firebase Cloud Messaging and what its answers mean, pure: see fcm.h. The calls are in fcm_send.c. */
#include <inttypes.h>
#include <string.h>

#include "outside/backoff.h"
#include "outside/fcm.h"
#include "outside/google.h"

enum {
	RETRY_LEAST_MS = 2000,
	RETRY_MOST_MS = 300000,
	QUOTA_LEAST_MS = 60000, /* research/apis.md §1: 429 without Retry-After waits a minute at least */
};

/* One for all sessions: the bytes of two pushes differ in target and time to live only, and a device that was away shows one. */
#define COLLAPSE "reading-room"

void fcm_message(struct buf *out, const struct fcm_push *p, int64_t ttl_s, const char *text, int64_t now_ms)
{
	int64_t until_s;

	ttl_s = ttl_s < 0 ? 0 : ttl_s > FCM_TTL_MOST_S ? FCM_TTL_MOST_S : ttl_s;
	until_s = ttl_s > 0 ? now_ms / 1000 + ttl_s : 0; /* APNs: 0 is now or never */
	BUF_LIT(out, "{\"message\":{");
	buf_str(out, p->fid ? "\"fid\":" : "\"token\":");
	buf_json(out, p->target, strlen(p->target));
	BUF_LIT(out, ",\"notification\":{\"body\":");
	buf_json(out, text, strlen(text));
	BUF_LIT(out, "},\"android\":{\"collapse_key\":\"" COLLAPSE "\",\"priority\":\"HIGH\"");
	buf_printf(out, ",\"ttl\":\"%" PRId64 "s\",\"notification\":{\"tag\":\"" COLLAPSE "\"}}", ttl_s);
	BUF_LIT(out, ",\"apns\":{\"headers\":{\"apns-push-type\":\"alert\",\"apns-priority\":\"10\",\"apns-collapse-id\":\"" COLLAPSE "\"");
	buf_printf(out, ",\"apns-expiration\":\"%" PRId64 "\"},\"payload\":{\"aps\":{\"sound\":\"default\"}}}", until_s);
	BUF_LIT(out, ",\"webpush\":{\"headers\":{\"Urgency\":\"high\",\"Topic\":\"" COLLAPSE "\"");
	buf_printf(out, ",\"TTL\":\"%" PRId64 "\"},\"notification\":{\"tag\":\"" COLLAPSE "\"}}}}", ttl_s);
}

/* ---- answers ---- */

static struct fcm_result final(const struct answer *a, enum fcm_verdict verdict, const char *why)
{
	return (struct fcm_result){.verdict = verdict, .status = a->status, .why = why};
}

static struct fcm_result retry(const struct answer *a, int attempt, int64_t least_ms, const char *why)
{
	struct fcm_result r = final(a, FCM_RETRY_AFTER, why);

	if (a->retry_after_ms >= 0) /* not before that, and a little apart from all the others who were told the same */
		r.retry_after_ms = a->retry_after_ms + backoff_ms(0, 2000, 2000);
	else /* twice the least, of which up to half is taken off */
		r.retry_after_ms = backoff_ms(attempt, least_ms * 2, RETRY_MOST_MS);
	return r;
}

/* INVALID_ARGUMENT is about the target only when the answer says so; else the mistake is ours, and other targets would meet it too. */
static bool names_target(const struct google_error *g)
{
	const json_t *violations = google_detail(g, "google.rpc.BadRequest", "fieldViolations");

	for (size_t i = 0; i < json_array_size(violations); i++) {
		const char *field = json_string_value(json_object_get(json_array_get(violations, i), "field"));
		if (field && (strcmp(field, "message.token") == 0 || strcmp(field, "message.fid") == 0))
			return true;
	}
	return json_array_size(violations) == 0 && strcasestr(g->message, "registration token");
}

/* coded: the word is FCM's own errorCode; else the status that any of Google's services, a proxy, or a wrong address may give. An unregistered target always
 * comes with FCM's word, so a bare NOT_FOUND (a project that is not ours, a path that is none) costs nobody his target. */
static struct fcm_result judge_word(const struct answer *a, const struct google_error *g, const char *word, bool coded, int attempt)
{
	struct fcm_result r;

	if (strcmp(word, "UNREGISTERED") == 0 && coded)
		return final(a, FCM_FORGET_TARGET, "UNREGISTERED");
	if (strcmp(word, "NOT_FOUND") == 0)
		return final(a, FCM_KEEP_AND_FAIL, "NOT_FOUND");
	if (strcmp(word, "INVALID_ARGUMENT") == 0)
		return names_target(g) ? final(a, FCM_FORGET_TARGET, "INVALID_TARGET") : final(a, FCM_DROP, "INVALID_ARGUMENT");
	if (strcmp(word, "SENDER_ID_MISMATCH") == 0)
		return final(a, FCM_KEEP_AND_FAIL, "SENDER_ID_MISMATCH");
	if (strcmp(word, "THIRD_PARTY_AUTH_ERROR") == 0)
		return final(a, FCM_KEEP_AND_FAIL, "THIRD_PARTY_AUTH_ERROR");
	if (strcmp(word, "PERMISSION_DENIED") == 0)
		return final(a, FCM_KEEP_AND_FAIL, "PERMISSION_DENIED");
	if (strcmp(word, "UNAUTHENTICATED") == 0) {
		r = final(a, FCM_KEEP_AND_FAIL, "UNAUTHENTICATED");
		r.stale_token = true;
		return r;
	}
	if (strcmp(word, "QUOTA_EXCEEDED") == 0 || strcmp(word, "RESOURCE_EXHAUSTED") == 0)
		return retry(a, attempt, QUOTA_LEAST_MS, "QUOTA_EXCEEDED");
	if (strcmp(word, "UNAVAILABLE") == 0 || strcmp(word, "INTERNAL") == 0)
		return retry(a, attempt, RETRY_LEAST_MS, "UNAVAILABLE");
	return final(a, FCM_DROP, "");
}

/* By the status alone: HTML from something in between, or a word that nobody knows. */
static struct fcm_result judge_status(const struct answer *a, int attempt)
{
	struct fcm_result r;

	if (a->status == 401) {
		r = final(a, FCM_KEEP_AND_FAIL, "UNAUTHENTICATED");
		r.stale_token = true;
		return r;
	}
	if (a->status == 429)
		return retry(a, attempt, QUOTA_LEAST_MS, "QUOTA_EXCEEDED");
	if (a->status == 408 || a->status >= 500)
		return retry(a, attempt, RETRY_LEAST_MS, "UNAVAILABLE");
	if (a->status == 400 || a->status == 413)
		return final(a, FCM_DROP, "REFUSED");
	return final(a, FCM_KEEP_AND_FAIL, "REFUSED"); /* redirected, forbidden, no such address: not this target's fault */
}

static bool accepted(const struct answer *a)
{
	struct google_error g;
	const char *name;
	bool good;

	google_error_read(&g, a);
	name = json_string_value(json_object_get(g.body, "name"));
	good = name && strncmp(name, "projects/", 9) == 0;
	google_error_done(&g);
	return good;
}

struct fcm_result fcm_judge(enum err e, const struct answer *a, int attempt)
{
	struct google_error g;
	const char *word;
	struct fcm_result r;

	if (e == ERR_BAD_REQUEST)
		return final(a, FCM_KEEP_AND_FAIL, "ADDRESS");
	if (a->status >= 200 && a->status < 300) /* cut or no message: perhaps sent; a repeat collapses with it */
		return e == OK && accepted(a) ? final(a, FCM_DELIVERED, "OK") : retry(a, attempt, RETRY_LEAST_MS, google_fault(a));
	if (a->status < 300)
		return retry(a, attempt, RETRY_LEAST_MS, google_fault(a));
	google_error_read(&g, a);
	word = json_string_value(google_detail(&g, "FcmError", "errorCode"));
	r = judge_word(a, &g, word ? word : g.status, word != NULL, attempt);
	if (r.why[0] == '\0')
		r = judge_status(a, attempt);
	google_error_done(&g);
	return r;
}
