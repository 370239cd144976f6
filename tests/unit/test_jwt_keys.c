/* base/jwt: the secrets of ROOM_JWT_SECRET, several at once, and what we sign ourselves. */
#include "token.h"

static void several_secrets(void **state)
{
	static const char *const spec = "new=" SECRET ",old=" OTHER;
	const char *payload = claims("");
	char *text;

	(void)state;
	text = token_of(HEADER, strlen(HEADER), payload, strlen(payload), SECRET);
	expect_(spec, text, OK, "no kid, first secret");
	text = token_of(HEADER, strlen(HEADER), payload, strlen(payload), OTHER);
	expect_(spec, text, OK, "no kid, second secret");
	text = token_of(HEADER, strlen(HEADER), payload, strlen(payload), "a third secret of enough bytes..");
	expect_(spec, text, ERR_UNAUTHENTICATED, "no kid, unknown secret");
	text = token_of("{\"alg\":\"HS256\",\"kid\":\"old\"}", 27, payload, strlen(payload), OTHER);
	expect_(spec, text, OK, "kid of the second");
	text = token_of("{\"alg\":\"HS256\",\"kid\":\"new\"}", 27, payload, strlen(payload), OTHER);
	expect_(spec, text, ERR_UNAUTHENTICATED, "kid of the first, secret of the second");
	text = token_of("{\"alg\":\"HS256\",\"kid\":\"xyz\"}", 27, payload, strlen(payload), SECRET);
	expect_(spec, text, ERR_UNAUTHENTICATED, "unknown kid");
}

static void secrets_that_are_refused(void **state)
{
	static const char *const bad[] = {"", "short", "fifteen bytes..", "a=", "a=short", "a=" SECRET ",b=", "a=" SECRET ",a=" OTHER,
		"a=" SECRET ",b=short", "a=" SECRET "," OTHER, "a=" SECRET ",", "a=" SECRET ",b c=" OTHER, "a=" SECRET ",=" OTHER};
	struct jwt_keys *keys;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		const char *why = NULL;
		keys = NULL;
		if (jwt_keys_load(&keys, bad[i], &why) != ERR_BAD_REQUEST)
			fail_msg("taken: %s", bad[i]);
		assert_null(keys);
		assert_non_null(why);
	}
	expect_(
		"sixteen bytes...", token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), "sixteen bytes..."), OK, "just long enough");
	/* one secret that merely looks like a list */
	expect_("c2VjcmV0IGluIGJhc2U2NA==", token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), "c2VjcmV0IGluIGJhc2U2NA=="), OK,
		"base64");
	expect_("with, comma; and = in it!", token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), "with, comma; and = in it!"), OK,
		"comma");
	/* a listed secret that ends in '=' */
	expect_("k=c2VjcmV0IGluIGJhc2U2NA==", token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), "c2VjcmV0IGluIGJhc2U2NA=="), OK,
		"k=base64");
}

static void our_own_signature(void **state)
{
	struct jwt_keys *keys = keys_of("new=" SECRET ",old=" OTHER);
	json_t *in = json_pack("{s:s, s:I, s:[s]}", "iss", "mainserver", "exp", (json_int_t)NOW + 60, "chatPermissions", "send_message"),
		   *out = NULL;
	char *text = jwt_sign(keys, in), header[200];
	size_t n;

	(void)state;
	assert_non_null(text);
	assert_int_equal(jwt_verify(&out, keys, text, strlen(text), NULL), OK);
	assert_true(json_equal(in, out));
	assert_int_equal(sodium_base642bin((unsigned char *)header, sizeof header, text, strcspn(text, "."), NULL, &n, NULL,
						 sodium_base64_VARIANT_URLSAFE_NO_PADDING),
		0);
	header[n] = '\0';
	assert_non_null(strstr(header, "\"kid\":\"new\""));
	expect_(SECRET, token_of(HEADER, strlen(HEADER), claims(""), strlen(claims("")), SECRET), OK, "plain");
	json_decref(in);
	json_decref(out);
	free(text);
	jwt_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_secrets),
		cmocka_unit_test(secrets_that_are_refused),
		cmocka_unit_test(our_own_signature),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("jwt_keys", tests, NULL, NULL);
}
