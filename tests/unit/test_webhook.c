/* outside/mainserver and base/mac: signatures against published vectors, events, and what answers mean. */
#include <jansson.h>

#include "unit.h"
#include "base/mac.h"
#include "outside/mainserver.h"

static char *hex(const unsigned char *bytes, size_t len)
{
	static char text[130];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/* RFC 4231, cases 1, 2 and 6. */
static void hmac(void **state)
{
	unsigned char key[131], mac[MAC_BYTES];

	(void)state;
	memset(key, 0x0b, 20);
	mac_sha256(mac, key, 20, "Hi There", 8);
	assert_string_equal(hex(mac, MAC_BYTES), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	mac_sha256(mac, "Jefe", 4, "what do ya want for nothing?", 28);
	assert_string_equal(hex(mac, MAC_BYTES), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	mac_sha256(mac, key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54);
	assert_string_equal(hex(mac, MAC_BYTES), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void base64(void **state)
{
	static const struct {
		const char *text;
		long len;
	} rows[] = {{"", 0}, {"Zg==", 1}, {"Zg", 1}, {"Zm9v", 3}, {"Zm9vYg==", 4}, {"Zm9vYg", 4}, {"Zm 9v", -1}, {"Zm9v\n", -1}, {"Zg=", -1},
		{"Z", -1}, {"Zh==", -1}, {"_-8=", -1}, {"Zm9vZm9vZm9vZm9v", -1}};
	char out[10];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (mac_unbase64(out, sizeof out, rows[i].text, strlen(rows[i].text)) != rows[i].len)
			fail_msg("'%s'", rows[i].text);
	buf_init(&b, 100);
	mac_base64(&b, "foob", 4);
	assert_string_equal(b.data, "Zm9vYg==");
	buf_done(&b);
}

/* The example of the Standard Webhooks specification's libraries. */
static void signature(void **state)
{
	const char *why, *body = "{\"test\": 2432232314}";
	struct mainserver *m = mainserver_new("https://m", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &why);
	struct buf b;

	(void)state;
	assert_non_null(m);
	buf_init(&b, 1000);
	mainserver_signature(&b, m, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body));
	assert_string_equal(b.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_done(&b);
	mainserver_close(m);
}

static void rotation(void **state)
{
	const char *why, *body = "{\"test\": 2432232314}";
	struct mainserver *m = mainserver_new("https://m", " a raw secret, longer ,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &why);
	struct buf b;

	(void)state;
	assert_null(m); /* a comma parts secrets, and "longer" is too short for one */
	m = mainserver_new("https://m", "a raw secret; long enough, whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ,", &why);
	assert_non_null(m);
	buf_init(&b, 1000);
	mainserver_signature(&b, m, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body));
	assert_int_equal(strncmp(b.data, "v1,", 3), 0);
	assert_non_null(strstr(b.data, " v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
	assert_int_equal(b.len, 2 * 47 + 1);
	buf_done(&b);
	mainserver_close(m);
}

static void secrets(void **state)
{
	static const char *const bad[] = {"", ",", "short", "whsec_", "whsec_Zm9v", "whsec_no base64 at all!", "fifteen bytes!!",
		"sixteen bytes!!!,sixteen bytes!!!,sixteen bytes!!!,sixteen bytes!!!,sixteen bytes!!!"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *why = NULL;
		if (mainserver_new("https://m", bad[i], &why))
			fail_msg("'%s'", bad[i]);
		assert_non_null(why);
		assert_true(bad[i][0] == '\0' || strstr(why, bad[i]) == NULL || bad[i][0] == ',');
	}
}

static void event(void **state)
{
	json_t *data = json_pack("{s:s, s:i}", "sessionId", "sess_1", "messageCount", 3);
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	mainserver_event(&b, "session.ended", INT64_C(1700000000042), data);
	assert_string_equal(b.data,
		"{\"type\":\"session.ended\",\"timestamp\":\"2023-11-14T22:13:20.042Z\",\"data\":{\"sessionId\":\"sess_1\",\"messageCount\":3}}");
	buf_done(&b);
	json_decref(data);
}

static void judged(void **state)
{
	static const struct {
		int status;
		enum fetch_fault fault;
		enum webhook_verdict verdict;
		const char *why;
	} rows[] = {
		{200, FETCH_ANSWERED, WEBHOOK_DELIVERED, "OK"},
		{204, FETCH_ANSWERED, WEBHOOK_DELIVERED, "OK"},
		{299, FETCH_ANSWERED, WEBHOOK_DELIVERED, "OK"},
		{200, FETCH_CUT, WEBHOOK_RETRY, "CUT"},
		{301, FETCH_ANSWERED, WEBHOOK_RETRY, "REDIRECTED"},
		{400, FETCH_ANSWERED, WEBHOOK_RETRY, "REFUSED"},
		{404, FETCH_ANSWERED, WEBHOOK_RETRY, "REFUSED"},
		{410, FETCH_ANSWERED, WEBHOOK_GONE, "GONE"},
		{429, FETCH_ANSWERED, WEBHOOK_RETRY, "THROTTLED"},
		{503, FETCH_ANSWERED, WEBHOOK_RETRY, "UNAVAILABLE"},
		{503, FETCH_CUT, WEBHOOK_RETRY, "UNAVAILABLE"},
		{0, FETCH_TIMEOUT, WEBHOOK_RETRY, "TIMEOUT"},
		{0, FETCH_TLS, WEBHOOK_RETRY, "TLS"},
		{0, FETCH_REFUSED, WEBHOOK_RETRY, "ADDRESS"},
		{0, FETCH_UNREACHABLE, WEBHOOK_RETRY, "UNREACHABLE"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a = {.status = rows[i].status, .fault = rows[i].fault, .retry_after_ms = -1};
		struct webhook_result r = mainserver_judge(a.fault == FETCH_ANSWERED ? OK : ERR_STORE_UNAVAILABLE, &a, 0);
		if (r.verdict != rows[i].verdict || strcmp(r.why, rows[i].why) != 0)
			fail_msg("row %zu: %d %s", i, r.verdict, r.why);
		assert_true(r.verdict != WEBHOOK_RETRY || (r.retry_after_ms >= 5000 && r.retry_after_ms <= 10000));
		a.retry_after_ms = 60000;
		r = mainserver_judge(a.fault == FETCH_ANSWERED ? OK : ERR_STORE_UNAVAILABLE, &a, 0);
		assert_true(r.verdict != WEBHOOK_RETRY || r.retry_after_ms == 60000);
	}
}

/* A day of trying: some twenty attempts, none of them hurried. */
static void a_day(void **state)
{
	struct answer a = {.status = 500, .retry_after_ms = -1};
	int64_t at = 0;
	int attempts = 0;

	(void)state;
	while (at < INT64_C(86400000)) {
		int64_t ms = mainserver_judge(OK, &a, attempts++).retry_after_ms;
		assert_in_range(ms, 5000, 7200000);
		at += ms;
	}
	assert_in_range(attempts, 15, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac),
		cmocka_unit_test(base64),
		cmocka_unit_test(signature),
		cmocka_unit_test(rotation),
		cmocka_unit_test(secrets),
		cmocka_unit_test(event),
		cmocka_unit_test(judged),
		cmocka_unit_test(a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
