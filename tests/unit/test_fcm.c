/* outside/fcm and oauth, the pure parts: the message byte by byte, and every answer that is documented (and some that are not). */
#include <jansson.h>

#include "unit.h"
#include "outside/fcm.h"
#include "outside/google.h"
#include "outside/oauth.h"

#define NOW INT64_C(1700000000000)

static struct answer answer_of(int status, const char *body, int64_t retry_after_ms)
{
	struct answer a;

	fetch_answer_init(&a, 1 << 20);
	a.status = status;
	a.retry_after_ms = retry_after_ms;
	if (body)
		buf_str(&a.body, body);
	return a;
}

/* ---- the message ---- */

static void message(void **state)
{
	struct fcm_push p = {.target = "tok:1"};
	struct buf b;

	(void)state;
	buf_init(&b, 8192);
	fcm_message(&b, &p, 3600, "You have a new message", NOW);
	assert_true(buf_ok(&b));
	assert_string_equal(b.data,
		"{\"message\":{\"token\":\"tok:1\",\"notification\":{\"body\":\"You have a new message\"},"
		"\"android\":{\"collapse_key\":\"reading-room\",\"priority\":\"HIGH\",\"ttl\":\"3600s\",\"notification\":{\"tag\":\"reading-room\"}"
		"},"
		"\"apns\":{\"headers\":{\"apns-push-type\":\"alert\",\"apns-priority\":\"10\",\"apns-collapse-id\":\"reading-room\",\"apns-"
		"expiration\":\"1700003600\"},"
		"\"payload\":{\"aps\":{\"sound\":\"default\"}}},"
		"\"webpush\":{\"headers\":{\"Urgency\":\"high\",\"Topic\":\"reading-room\",\"TTL\":\"3600\"},\"notification\":{\"tag\":\"reading-"
		"room\"}}}}");
	buf_done(&b);
}

static const char *ttl_of(int64_t ttl_s, bool fid, const char *target)
{
	static char ttl[32];
	struct fcm_push p = {.target = target, .fid = fid};
	struct buf b;
	json_t *json, *m;

	buf_init(&b, 65536);
	fcm_message(&b, &p, ttl_s, "\"quoted\" \\ \xe2\x9c\x89", NOW);
	assert_true(buf_ok(&b));
	json = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	m = json_object_get(json, "message");
	assert_string_equal(json_string_value(json_object_get(m, fid ? "fid" : "token")), target);
	assert_null(json_object_get(m, fid ? "token" : "fid"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(m, "notification"), "body")), "\"quoted\" \\ \xe2\x9c\x89");
	snprintf(ttl, sizeof ttl, "%s", json_string_value(json_object_get(json_object_get(m, "android"), "ttl")));
	json_decref(json);
	buf_done(&b);
	return ttl;
}

static void message_bounds(void **state)
{
	(void)state;
	assert_string_equal(ttl_of(0, false, "a"), "0s");
	assert_string_equal(ttl_of(-5, true, "a\"b\\"), "0s");
	assert_string_equal(ttl_of(1, false, "a"), "1s");
	assert_string_equal(ttl_of(INT64_MAX, false, "a"), "2419200s");
}

/* ---- its answers ---- */

#define FCM(code) \
	"{\"error\":{\"code\":1,\"message\":\"m\",\"status\":\"S\",\"details\":[{\"@type\":\"type.googleapis.com/" \
	"google.firebase.fcm.v1.FcmError\"," \
	"\"errorCode\":\"" code "\"}]}}"
#define PLAIN(status) "{\"error\":{\"code\":1,\"message\":\"m\",\"status\":\"" status "\"}}"
#define VIOLATES(field) \
	"{\"error\":{\"code\":400,\"message\":\"m\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/" \
	"google.firebase.fcm.v1." \
	"FcmError\",\"errorCode\":\"INVALID_ARGUMENT\"},{\"@type\":\"type.googleapis.com/" \
	"google.rpc.BadRequest\",\"fieldViolations\":[{\"field\":\"" field "\"," \
	"\"description\":\"d\"}]}]}}"
#define HTML "<!DOCTYPE html><html><title>Error 502 (Server Error)!!1</title></html>"

static void judged(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum fcm_verdict verdict;
		const char *why;
	} rows[] = {
		{200, "{\"name\":\"projects/p/messages/1\"}", FCM_DELIVERED, "OK"},
		{200, "{\"name\":1}", FCM_RETRY_AFTER, "MALFORMED"},
		{200, HTML, FCM_RETRY_AFTER, "MALFORMED"},
		{200, NULL, FCM_RETRY_AFTER, "MALFORMED"},
		{404, FCM("UNREGISTERED"), FCM_FORGET_TARGET, "UNREGISTERED"},
		{404, PLAIN("NOT_FOUND"), FCM_KEEP_AND_FAIL, "NOT_FOUND"}, /* of a project or a path, perhaps */
		{404, FCM("NOT_FOUND"), FCM_KEEP_AND_FAIL, "NOT_FOUND"},
		{404, HTML, FCM_KEEP_AND_FAIL, "REFUSED"}, /* a wrong address must not cost us every target */
		{400, VIOLATES("message.token"), FCM_FORGET_TARGET, "INVALID_TARGET"},
		{400, VIOLATES("message.fid"), FCM_FORGET_TARGET, "INVALID_TARGET"},
		{400, VIOLATES("message.android.ttl"), FCM_DROP, "INVALID_ARGUMENT"},
		{400, FCM("INVALID_ARGUMENT"), FCM_DROP, "INVALID_ARGUMENT"},
		{400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"message\":\"The registration token is not a valid FCM registration token\"}}",
			FCM_FORGET_TARGET, "INVALID_TARGET"},
		{400, HTML, FCM_DROP, "REFUSED"},
		{403, FCM("SENDER_ID_MISMATCH"), FCM_KEEP_AND_FAIL, "SENDER_ID_MISMATCH"},
		{403, PLAIN("PERMISSION_DENIED"), FCM_KEEP_AND_FAIL, "PERMISSION_DENIED"},
		{401, FCM("THIRD_PARTY_AUTH_ERROR"), FCM_KEEP_AND_FAIL, "THIRD_PARTY_AUTH_ERROR"},
		{401, PLAIN("UNAUTHENTICATED"), FCM_KEEP_AND_FAIL, "UNAUTHENTICATED"},
		{401, HTML, FCM_KEEP_AND_FAIL, "UNAUTHENTICATED"},
		{429, FCM("QUOTA_EXCEEDED"), FCM_RETRY_AFTER, "QUOTA_EXCEEDED"},
		{429, HTML, FCM_RETRY_AFTER, "QUOTA_EXCEEDED"},
		{503, FCM("UNAVAILABLE"), FCM_RETRY_AFTER, "UNAVAILABLE"},
		{500, FCM("INTERNAL"), FCM_RETRY_AFTER, "UNAVAILABLE"},
		{502, HTML, FCM_RETRY_AFTER, "UNAVAILABLE"},
		{504, NULL, FCM_RETRY_AFTER, "UNAVAILABLE"},
		{408, NULL, FCM_RETRY_AFTER, "UNAVAILABLE"},
		{418, FCM("SOMETHING_NEW"), FCM_KEEP_AND_FAIL, "REFUSED"},
		{503, FCM("SOMETHING_NEW"), FCM_RETRY_AFTER, "UNAVAILABLE"},
		{302, NULL, FCM_KEEP_AND_FAIL, "REFUSED"},
		{413, NULL, FCM_DROP, "REFUSED"},
		{404, "{\"error\":[]}", FCM_KEEP_AND_FAIL, "REFUSED"},
		{404, "{\"error\":{\"details\":{}}}", FCM_KEEP_AND_FAIL, "REFUSED"},
		{404, "{\"error\":{\"details\":[null,1,{\"@type\":3},{\"@type\":\"x.FcmError\",\"errorCode\":7}]}}", FCM_KEEP_AND_FAIL, "REFUSED"},
		{404, "{\"error\":{\"status\":\"UNREGISTERED\",\"status\":\"UNREGISTERED\"}}", FCM_KEEP_AND_FAIL, "REFUSED"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a = answer_of(rows[i].status, rows[i].body, -1);
		struct fcm_result r = fcm_judge(OK, &a, 0);
		if (r.verdict != rows[i].verdict || strcmp(r.why, rows[i].why) != 0 || r.status != rows[i].status)
			fail_msg("row %zu: %d %s", i, r.verdict, r.why);
		assert_int_equal(r.stale_token, strcmp(r.why, "UNAUTHENTICATED") == 0);
		fetch_answer_done(&a);
	}
}

static void faults(void **state)
{
	static const struct {
		enum fetch_fault fault;
		int status;
		enum fcm_verdict verdict;
		const char *why;
	} rows[] = {
		{FETCH_REFUSED, 0, FCM_KEEP_AND_FAIL, "ADDRESS"},
		{FETCH_UNREACHABLE, 0, FCM_RETRY_AFTER, "UNREACHABLE"},
		{FETCH_TLS, 0, FCM_RETRY_AFTER, "TLS"},
		{FETCH_TIMEOUT, 0, FCM_RETRY_AFTER, "TIMEOUT"},
		{FETCH_CUT, 200, FCM_RETRY_AFTER, "CUT"},
		{FETCH_TOO_LONG, 200, FCM_RETRY_AFTER, "TOO_LONG"},
		{FETCH_TOO_LONG, 503, FCM_RETRY_AFTER, "UNAVAILABLE"},
		{FETCH_TOO_LONG, 404, FCM_KEEP_AND_FAIL, "REFUSED"},
		{FETCH_BROKEN, 0, FCM_RETRY_AFTER, "INTERNAL"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a = answer_of(rows[i].status, "{\"name\":\"projects/p/messages/1\"}", -1);
		struct fcm_result r;
		a.fault = rows[i].fault;
		r = fcm_judge(a.fault == FETCH_REFUSED ? ERR_BAD_REQUEST : ERR_STORE_UNAVAILABLE, &a, 0);
		if (r.verdict != rows[i].verdict || strcmp(r.why, rows[i].why) != 0)
			fail_msg("row %zu: %d %s", i, r.verdict, r.why);
		fetch_answer_done(&a);
	}
}

static int64_t delay(int status, const char *body, int64_t retry_after_ms, int attempt)
{
	struct answer a = answer_of(status, body, retry_after_ms);
	struct fcm_result r = fcm_judge(OK, &a, attempt);

	assert_int_equal(r.verdict, FCM_RETRY_AFTER);
	fetch_answer_done(&a);
	return r.retry_after_ms;
}

static void delays(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_in_range(delay(429, FCM("QUOTA_EXCEEDED"), -1, 0), 60000, 120000);
		assert_in_range(delay(429, FCM("QUOTA_EXCEEDED"), 30000, 0), 30000, 32000);
		assert_in_range(delay(503, FCM("UNAVAILABLE"), -1, 0), 2000, 4000);
		assert_in_range(delay(503, FCM("UNAVAILABLE"), -1, 3), 16000, 32000);
		assert_in_range(delay(503, FCM("UNAVAILABLE"), -1, 1000), 150000, 300000);
		assert_in_range(delay(503, HTML, 120000, 5), 120000, 122000);
		assert_in_range(delay(503, HTML, 0, 0), 1, 2000);
	}
	assert_true(delay(503, HTML, -1, 0) != delay(503, HTML, -1, 9));
}

static void detail_of_google(void **state)
{
	static const struct {
		const char *delay;
		int64_t ms;
	} rows[] = {{"51820.6s", 51820600}, {"0s", 0}, {"0.0004s", 1}, {"5", -1}, {"s", -1}, {"-1s", -1}, {"1e9s", FETCH_RETRY_AFTER_MOST_MS},
		{"nan", -1}, {"", -1}, {"infs", -1}, {"3 s", -1}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char body[512];
		struct google_error g;
		struct answer a;
		snprintf(body, sizeof body,
			"{\"error\":{\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"%s\"}]}}", rows[i].delay);
		a = answer_of(429, body, -1);
		google_error_read(&g, &a);
		if (google_retry_ms(&g) != rows[i].ms)
			fail_msg("%s: %lld", rows[i].delay, (long long)google_retry_ms(&g));
		google_error_done(&g);
		fetch_answer_done(&a);
	}
}

/* ---- oauth ---- */

static void claims(void **state)
{
	json_t *c = oauth_claims("me@p", OAUTH_FCM_SCOPE, "https://token", 1700000000);
	char *text = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text,
		"{\"aud\":\"https://token\",\"exp\":1700003600,\"iat\":1700000000,\"iss\":\"me@p\",\"scope\":\"https://www.googleapis.com/auth/"
		"firebase.messaging\"}");
	free(text);
	json_decref(c);
}

static void tokens(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool good, lasting;
		const char *why;
	} rows[] = {
		{200, "{\"access_token\":\"ya29.abc\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", true, false, "OK"},
		{200, "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", false, false, "OAUTH_MALFORMED"},
		{200, "{\"access_token\":\"\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", false, false, "OAUTH_MALFORMED"},
		{200, "{\"access_token\":\"a\",\"expires_in\":\"3599\",\"token_type\":\"Bearer\"}", false, false, "OAUTH_MALFORMED"},
		{200, "{\"access_token\":\"a\",\"expires_in\":-1,\"token_type\":\"Bearer\"}", false, false, "OAUTH_MALFORMED"},
		{200, "{\"access_token\":\"a\",\"expires_in\":3599,\"token_type\":\"mac\"}", false, false, "OAUTH_MALFORMED"},
		{200, "{\"access_token\":\"a\",\"expires_in\":3599}", false, false, "OAUTH_MALFORMED"},
		{200, HTML, false, false, "OAUTH_MALFORMED"},
		{200, NULL, false, false, "OAUTH_MALFORMED"},
		{400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}", false, true, "OAUTH_REFUSED"},
		{401, NULL, false, true, "OAUTH_REFUSED"},
		{302, NULL, false, true, "OAUTH_REFUSED"},
		{408, NULL, false, false, "OAUTH_UNAVAILABLE"},
		{429, NULL, false, false, "OAUTH_UNAVAILABLE"},
		{503, HTML, false, false, "OAUTH_UNAVAILABLE"},
	};
	char token[OAUTH_TOKEN_MAX];
	int64_t life_s;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a = answer_of(rows[i].status, rows[i].body, -1);
		struct oauth_result r = oauth_judge(OK, &a, token, &life_s);
		if (r.good != rows[i].good || r.lasting != rows[i].lasting || strcmp(r.why, rows[i].why) != 0)
			fail_msg("row %zu: %d %d %s", i, r.good, r.lasting, r.why);
		assert_true(r.good || r.lasting || r.retry_after_ms > 0);
		if (r.good) {
			assert_string_equal(token, "ya29.abc");
			assert_int_equal(life_s, 3599);
		}
		fetch_answer_done(&a);
	}
}

static void credentials(void **state)
{
	static const char *const texts[] = {"", "no JSON", "{}", "[]", "{\"type\":\"authorized_user\"}",
		"{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"k\",\"token_uri\":\"https://t\"}",
		"{\"type\":\"service_account\",\"project_id\":\"p\",\"client_email\":\"a\",\"private_key\":\"k\",\"token_uri\":\"https://t\"}",
		"{\"type\":\"service_account\",\"project_id\":\"../p\",\"client_email\":\"a\",\"private_key\":\"k\",\"token_uri\":\"https://t\"}"};
	char path[] = "/tmp/room-unit-XXXXXX";
	int fd = mkstemp(path);
	struct oauth *o = NULL;
	const char *why;

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT(texts); i++) {
		FILE *file = fopen(path, "w");
		fputs(texts[i], file);
		fclose(file);
		why = NULL;
		assert_int_equal(oauth_open(&o, path, "s", &why), ERR_BAD_REQUEST);
		assert_non_null(why);
	}
	remove(path);
	assert_int_equal(oauth_open(&o, path, "s", &why), ERR_BAD_REQUEST);
	assert_int_equal(oauth_open(&o, "/dev/zero", "s", &why), ERR_BAD_REQUEST);
	assert_int_equal(oauth_open(&o, "/tmp", "s", &why), ERR_BAD_REQUEST);
	assert_null(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message),
		cmocka_unit_test(message_bounds),
		cmocka_unit_test(judged),
		cmocka_unit_test(faults),
		cmocka_unit_test(delays),
		cmocka_unit_test(detail_of_google),
		cmocka_unit_test(claims),
		cmocka_unit_test(tokens),
		cmocka_unit_test(credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
