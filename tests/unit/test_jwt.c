/* base/jwt: what must be let in, and every way of getting in that must fail (RFC 8725, and what is known of libjwt 1.10.2). */
#include "token.h"

#define good(text) expect_(SECRET, text, OK, #text)
#define refused(text) expect_(SECRET, text, ERR_UNAUTHENTICATED, #text)
#define expired(text) expect_(SECRET, text, ERR_TICKET_EXPIRED, #text)

static void a_good_one_comes_back_whole(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	const char *text = token(HEADER, claims(",\"sessionId\":\"sess_1\",\"chatPermissions\":[\"send_message\"]"));
	json_t *out = NULL;

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(jwt_verify(&out, keys, text, strlen(text), NULL), OK);
		assert_string_equal(json_string_value(json_object_get(out, "sessionId")), "sess_1");
		assert_string_equal(json_string_value(json_array_get(json_object_get(out, "chatPermissions"), 0)), "send_message");
		assert_int_equal(json_integer_value(json_object_get(out, "exp")), NOW + 3600);
		json_decref(out);
	}
	jwt_keys_free(keys);
	good(token("{\"alg\":\"HS256\"}", claims("")));
	good(token("{\"typ\":\"jwt\",\"alg\":\"HS256\",\"made\":\"by\"}", claims("")));
}

static void algorithms(void **state)
{
	static const char *const algs[] = {
		"none", "None", "NONE", "nOnE", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "", "HS256 "};
	char header[100], *text;

	(void)state;
	for (size_t i = 0; i < COUNT(algs); i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algs[i]);
		text = token(header, claims(""));
		refused(text);
		strrchr(text, '.')[1] = '\0'; /* no signature at all */
		refused(text);
	}
	refused(token("{\"typ\":\"JWT\"}", claims("")));
	refused(token("{\"alg\":null}", claims("")));
	refused(token("{\"alg\":[\"HS256\"]}", claims("")));
	refused(token("{\"alg\":\"HS256\\u0000\"}", claims("")));
	refused(token("{\"alg\":\"none\",\"alg\":\"HS256\"}", claims("")));
	refused(token("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", claims("")));
}

/* HMAC-SHA512 with the right key is still not what we take. */
static void another_algorithm_signed_rightly(void **state)
{
	static char text[4096];
	unsigned char mac[64];
	crypto_auth_hmacsha512_state s;
	const char *header = "{\"alg\":\"HS512\",\"typ\":\"JWT\"}", *payload = claims("");
	size_t n = base64url(text, header, strlen(header));

	(void)state;
	text[n++] = '.';
	n += base64url(text + n, payload, strlen(payload));
	crypto_auth_hmacsha512_init(&s, (const unsigned char *)SECRET, strlen(SECRET));
	crypto_auth_hmacsha512_update(&s, (const unsigned char *)text, n);
	crypto_auth_hmacsha512_final(&s, mac);
	text[n++] = '.';
	base64url(text + n, mac, sizeof mac);
	refused(text);
}

static void header_members_that_name_keys_or_rules(void **state)
{
	static const char *const members[] = {"\"crit\":[\"exp\"]", "\"crit\":[]", "\"b64\":false", "\"b64\":true",
		"\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}", "\"jku\":\"https://evil.example/k\"", "\"x5u\":\"https://evil.example/k\"",
		"\"x5c\":[]", "\"x5t\":\"a\"", "\"x5t#S256\":\"a\"", "\"zip\":\"DEF\"", "\"enc\":\"A256GCM\"", "\"cty\":\"JWT\"",
		"\"typ\":\"at+jwt\"", "\"typ\":\"JWS\"", "\"typ\":7", "\"typ\":null", "\"kid\":\"../../dev/null\"", "\"kid\":\"' OR 1=1 --\"",
		"\"kid\":\"https://evil.example\"", "\"kid\":\"\"", "\"kid\":null", "\"kid\":1", "\"kid\":[\"a\"]", "\"kid\":\"a\""};
	char header[200];

	(void)state;
	for (size_t i = 0; i < COUNT(members); i++) {
		snprintf(header, sizeof header, "{\"alg\":\"HS256\",%s}", members[i]);
		expect_(SECRET, token(header, claims("")), ERR_UNAUTHENTICATED, members[i]);
	}
}

static void signatures(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	char *text = token(HEADER, claims("")), *signature = strrchr(text, '.') + 1, kept;
	size_t len = strlen(text);

	(void)state;
	assert_int_equal(strlen(signature), 43);
	for (size_t i = 0; i < len; i++) /* each character, changed in each bit */
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1 << bit);
			if (verify(keys, text, len, NULL) != ERR_UNAUTHENTICATED)
				fail_msg("character %zu, bit %d", i, bit);
			text[i] ^= (char)(1 << bit);
		}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(verify(keys, text, cut, NULL), ERR_UNAUTHENTICATED);
	assert_int_equal(verify(keys, text, len, NULL), OK);
	kept = signature[42]; /* the same 32 bytes, spelled with other spare bits */
	for (const char *p = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *p; p++) {
		signature[42] = *p;
		assert_int_equal(verify(keys, text, len, NULL), *p == kept ? OK : ERR_UNAUTHENTICATED);
	}
	memset(signature, 'A', 43); /* all zero */
	assert_int_equal(verify(keys, text, len, NULL), ERR_UNAUTHENTICATED);
	jwt_keys_free(keys);
	refused(token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), OTHER));
	refused(token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), ""));
}

static void spellings(void **state)
{
	static char changed[40000];
	char *text;

	(void)state;
	text = token(HEADER, claims(""));
	snprintf(changed, sizeof changed, "%s=", text);
	refused(changed);
	snprintf(changed, sizeof changed, "%s\n", text);
	refused(changed);
	snprintf(changed, sizeof changed, " %s", text);
	refused(changed);
	snprintf(changed, sizeof changed, "Bearer %s", text);
	refused(changed);
	snprintf(changed, sizeof changed, "%s.", text);
	refused(changed);
	snprintf(changed, sizeof changed, "%s.x.y", text); /* five parts: JWE */
	refused(changed);
	snprintf(changed, sizeof changed, "%s,%s", text, text);
	refused(changed);
	refused("");
	refused(".");
	refused("..");
	refused("...");
	refused("a.b");
	/* '+' and '/' of plain base64, in a payload that has them */
	text = token(HEADER, claims(",\"x\":\"\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbe\xc3\xbe\xc3\xbe?>?>?>~~~\""));
	good(text);
	for (char *p = text; *p; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	refused(text);
}

static void a_nul_inside_is_not_an_end(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	char changed[2000], *text = token(HEADER, claims(""));
	size_t len = strlen(text);

	(void)state;
	memcpy(changed, text, len + 1);
	changed[len + 1] = 'x';
	assert_int_equal(verify(keys, changed, len, NULL), OK);
	assert_int_equal(verify(keys, changed, len + 1, NULL), ERR_UNAUTHENTICATED);
	assert_int_equal(verify(keys, changed, len + 2, NULL), ERR_UNAUTHENTICATED);
	jwt_keys_free(keys);
}

/* Signs the first n characters of text, whatever they are. */
static void sign_text(char *text, size_t n)
{
	crypto_auth_hmacsha256_state s;
	unsigned char mac[32];

	crypto_auth_hmacsha256_init(&s, (const unsigned char *)SECRET, strlen(SECRET));
	crypto_auth_hmacsha256_update(&s, (const unsigned char *)text, n);
	crypto_auth_hmacsha256_final(&s, mac);
	text[n++] = '.';
	base64url(text + n, mac, sizeof mac);
}

/* The signature over the text is right, but the text is another spelling of its bytes: spare bits set, or a digit too many. */
static void odd_spellings_rightly_signed(void **state)
{
	static const char *const fill[] = {"", "1", "12"}; /* all three lengths modulo 3 */
	static char text[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(fill); i++) {
		char more[20];
		const char *payload;
		size_t n = base64url(text, HEADER, strlen(HEADER));
		snprintf(more, sizeof more, ",\"a\":\"%s\"", fill[i]);
		payload = claims(more);
		text[n++] = '.';
		n += base64url(text + n, payload, strlen(payload));
		sign_text(text, n);
		good(text);
		if (strlen(payload) % 3 == 0) {
			text[n++] = 'A'; /* six bits that belong to no byte */
		} else {
			text[n - 1]++; /* the next digit: the same byte, other spare bits */
		}
		sign_text(text, n);
		refused(text);
	}
}

static void payloads_that_are_none(void **state)
{
	static char deep[9000];
	static const char *const bad[] = {"", "null", "[]", "\"x\"", "1", "{", "{}x", "{} {}", "\xef\xbb\xbf{}", "{\"exp\":1700003600,}",
		"{'exp':1700003600}", "{\"exp\":1700003600,\"iss\":\"\xff\"}", "{\"exp\":1700003600,\"iss\":\"\xed\xa0\x80\"}",
		"{\"exp\":1700003600,\"iss\":\"\\ud800\"}", "{\"exp\":1700003600,\"sessionId\":\"sess_1\\u0000x\"}",
		"{\"exp\":1700003600,\"a\\u0000\":1}", "{\"exp\":1700003600,\"exp\":1700003600}",
		"{\"exp\":1700003600,\"sessionId\":\"a\",\"sessionId\":\"b\"}", "{\"exp\":1700003600,\"a\":{\"b\":1,\"b\":2}}",
		"{\"exp\":1700003600,\"a\":NaN}", "{\"exp\":1700003600,\"a\":1e999}", "{\"exp\":1700003600,\"a\":99999999999999999999}"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_(SECRET, token(HEADER, bad[i]), ERR_UNAUTHENTICATED, bad[i]);
	refused(token_of(HEADER, strlen(HEADER), "{\"exp\":1700003600,\"a\":\"x\0y\"}", 28, SECRET));
	refused(token("[]", claims("")));
	refused(token("\"HS256\"", claims("")));
	memset(deep, '[', 2000);
	memset(deep + 2000, ']', 2000);
	refused(token(HEADER, deep));
	snprintf(deep, sizeof deep, "%s", claims(",\"a\":[[[[[[[1]]]]]]]"));
	good(token(HEADER, deep));
	snprintf(deep, sizeof deep, "%s", claims(",\"a\":[[[[[[[[1]]]]]]]]"));
	refused(token(HEADER, deep));
}

static void lengths(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	static char filler[4000], more[4100];
	char *text;
	bool at_most = false;

	(void)state;
	for (int n = 2900; n < 3100; n++) {
		memset(filler, 'x', (size_t)n);
		filler[n] = '\0';
		snprintf(more, sizeof more, ",\"a\":\"%s\"", filler);
		text = token(HEADER, claims(more));
		assert_int_equal(verify(keys, text, strlen(text), NULL), strlen(text) <= 4096 ? OK : ERR_UNAUTHENTICATED);
		at_most |= strlen(text) >= 4095 && strlen(text) <= 4096;
	}
	assert_true(at_most);
	jwt_keys_free(keys);
}

static void expiry(void **state)
{
	static const char *const bad[] = {"{}", "{\"exp\":null}", "{\"exp\":true}", "{\"exp\":\"1700003600\"}", "{\"exp\":1700003600.0}",
		"{\"exp\":1.7e9}", "{\"exp\":1e400}", "{\"exp\":[1700003600]}", "{\"exp\":{}}", "{\"exp\":-1700003600}",
		"{\"exp\":9223372036854775807}", "{\"exp\":9223372036854776}", "{\"EXP\":1700003600}"};
	struct jwt_keys *keys = keys_of(SECRET);
	const char *why = NULL;
	char payload[100], *text;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		expect_(SECRET, token(HEADER, bad[i]), ERR_UNAUTHENTICATED, bad[i]);
	for (int off = -2; off <= 2; off++) {
		snprintf(payload, sizeof payload, "{\"exp\":%lld}", (long long)NOW + off);
		expect_(SECRET, token(HEADER, payload), off > 0 ? OK : ERR_TICKET_EXPIRED, payload);
		snprintf(payload, sizeof payload, "{\"exp\":%lld}", (long long)NOW + 25 * 3600 + off);
		expect_(SECRET, token(HEADER, payload), off <= 0 ? OK : ERR_UNAUTHENTICATED, payload);
	}
	expired(token(HEADER, "{\"exp\":0}"));
	expired(token(HEADER, "{\"exp\":1}"));
	text = token(HEADER, "{\"exp\":1700003600000}");
	assert_int_equal(verify(keys, text, strlen(text), &why), ERR_UNAUTHENTICATED);
	assert_non_null(strstr(why, "milliseconds"));
	jwt_keys_free(keys);
}

static void not_yet(void **state)
{
	static const char *const names[] = {"nbf", "iat"};
	static const char *const bad[] = {"\"1700000000\"", "1.7e9", "null", "-1", "[]", "9223372036854775807"};
	char more[100];

	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		for (size_t i = 0; i < COUNT(bad); i++) {
			snprintf(more, sizeof more, ",\"%s\":%s", names[n], bad[i]);
			expect_(SECRET, token(HEADER, claims(more)), ERR_UNAUTHENTICATED, more);
		}
		for (int off = -2; off <= 2; off++) {
			snprintf(more, sizeof more, ",\"%s\":%lld", names[n], (long long)NOW + 60 + off);
			expect_(SECRET, token(HEADER, claims(more)), off <= 0 ? OK : ERR_UNAUTHENTICATED, more);
		}
	}
	snprintf(more, sizeof more, ",\"nbf\":1,\"iat\":%lld", (long long)NOW + 61); /* the later one counts */
	refused(token(HEADER, claims(more)));
}

/* Nothing about times is told to whoever cannot sign. */
static void an_unsigned_one_learns_nothing(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	const char *payloads[] = {"{\"exp\":1}", "{\"exp\":1700003600000}", "{}", "{\"exp\":1700003600}"}, *why, *first = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		char *text = token_of(HEADER, strlen(HEADER), payloads[i], strlen(payloads[i]), OTHER);
		assert_int_equal(verify(keys, text, strlen(text), &why), ERR_UNAUTHENTICATED);
		first = first ? first : why;
		assert_string_equal(why, first);
	}
	jwt_keys_free(keys);
}

static void the_cache_looks_at_the_clock(void **state)
{
	struct jwt_keys *keys = keys_of(SECRET);
	char more[100], *text;

	(void)state;
	snprintf(more, sizeof more, ",\"nbf\":%lld", (long long)NOW);
	text = token(HEADER, claims(more));
	assert_int_equal(verify(keys, text, strlen(text), NULL), OK);
	assert_int_equal(verify(keys, text, strlen(text), NULL), OK);
	now_ms = (NOW + 3600) * 1000 - 1;
	assert_int_equal(verify(keys, text, strlen(text), NULL), OK);
	now_ms++;
	assert_int_equal(verify(keys, text, strlen(text), NULL), ERR_TICKET_EXPIRED);
	assert_int_equal(verify(keys, text, strlen(text), NULL), ERR_TICKET_EXPIRED);
	now_ms = (NOW - 100) * 1000; /* a clock set back */
	assert_int_equal(verify(keys, text, strlen(text), NULL), ERR_UNAUTHENTICATED);
	now_ms = NOW * 1000;
	assert_int_equal(verify(keys, text, strlen(text), NULL), OK);
	jwt_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_comes_back_whole),
		cmocka_unit_test(algorithms),
		cmocka_unit_test(another_algorithm_signed_rightly),
		cmocka_unit_test(header_members_that_name_keys_or_rules),
		cmocka_unit_test(signatures),
		cmocka_unit_test(spellings),
		cmocka_unit_test(a_nul_inside_is_not_an_end),
		cmocka_unit_test(odd_spellings_rightly_signed),
		cmocka_unit_test(payloads_that_are_none),
		cmocka_unit_test(lengths),
		cmocka_unit_test(expiry),
		cmocka_unit_test(not_yet),
		cmocka_unit_test(an_unsigned_one_learns_nothing),
		cmocka_unit_test(the_cache_looks_at_the_clock),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
