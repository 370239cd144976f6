/* base/jwtcache: whole tokens only, bounded, nothing expired stays, many threads at once. */
#include <pthread.h>

#include "unit.h"
#include "base/clock.h"
#include "base/jwt.h"
#include "base/jwtcache.h"

#define NOW INT64_C(1700000000)
#define PLACES 8192 /* what the table holds: a bound on memory, so the test says it too */

static int64_t now_ms = NOW * 1000;

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

static void put(struct jwtcache *c, const char *token, int64_t exp_s)
{
	json_t *claims = json_pack("{s:s}", "token", token);

	jwtcache_put(c, token, strlen(token), claims, &(struct jwt_times){.exp_s = exp_s, .from_s = 7});
	json_decref(claims);
}

static bool has(struct jwtcache *c, const char *token)
{
	json_t *claims = NULL;
	struct jwt_times times = {0};
	bool there = jwtcache_get(c, token, strlen(token), &claims, &times);

	if (there) {
		assert_string_equal(json_string_value(json_object_get(claims, "token")), token);
		assert_int_equal(times.from_s, 7);
	} else {
		assert_null(claims);
	}
	json_decref(claims);
	return there;
}

static void only_the_whole_token(void **state)
{
	struct jwtcache *c = jwtcache_new();
	char text[101];
	json_t *claims = NULL;
	struct jwt_times times;

	(void)state;
	memset(text, 'x', 100);
	text[100] = '\0';
	assert_false(has(c, text));
	put(c, text, NOW + 10);
	assert_true(has(c, text));
	for (size_t i = 0; i < 100; i++) {
		text[i] = 'y';
		assert_false(has(c, text));
		text[i] = 'x';
		assert_false(jwtcache_get(c, text, i, &claims, &times));
	}
	put(c, text, NOW + 20); /* again: replaced, not twice */
	jwtcache_drop(c, "other", 5);
	assert_true(has(c, text));
	jwtcache_drop(c, text, 100);
	assert_false(has(c, text));
	jwtcache_free(c);
	jwtcache_free(NULL);
}

static int count(struct jwtcache *c, int many)
{
	char text[20];
	int there = 0;

	for (int i = 0; i < many; i++) {
		snprintf(text, sizeof text, "token-%d", i);
		there += has(c, text);
	}
	return there;
}

static void bounded(void **state)
{
	struct jwtcache *c = jwtcache_new();
	char text[20];

	(void)state;
	for (int i = 0; i < 40000; i++) {
		snprintf(text, sizeof text, "token-%d", i);
		put(c, text, NOW + 10 + i);
	}
	assert_in_range(count(c, 40000), PLACES * 9 / 10, PLACES);
	for (int i = 40000 - 100, there = 0; i < 40000; i++) { /* those that live longest have stayed */
		snprintf(text, sizeof text, "token-%d", i);
		there += has(c, text);
		if (i == 40000 - 1)
			assert_int_equal(there, 100);
	}
	jwtcache_free(c);
}

/* Whoever goes on asking for other tokens sees to it that the expired ones go. */
static void nothing_expired_stays(void **state)
{
	struct jwtcache *c = jwtcache_new();
	char text[20];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "token-%d", i);
		put(c, text, NOW + (i < 500 ? 10 : 11));
	}
	assert_true(count(c, 1000) > 900);
	now_ms = (NOW + 10) * 1000 - 1;
	for (int i = 0; i < 5000; i++)
		has(c, "another");
	assert_true(count(c, 1000) > 900);
	now_ms++;
	for (int i = 0; i < 5000; i++)
		has(c, "another");
	assert_int_equal(count(c, 500), 0);
	assert_true(count(c, 1000) > 450);
	now_ms = NOW * 1000;
	assert_int_equal(count(c, 500), 0);
	jwtcache_free(c);
}

/* Verifies many tokens from several threads at once; run under the sanitizers and valgrind. */
struct crowd {
	struct jwt_keys *keys;
	char *text[300];
};

static void *verify_all(void *arg)
{
	struct crowd *c = arg;
	intptr_t wrong = 0;

	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < COUNT(c->text); i++) {
			json_t *out = NULL;
			if (jwt_verify(&out, c->keys, c->text[i], strlen(c->text[i]), NULL) != OK ||
				json_integer_value(json_object_get(out, "n")) != (json_int_t)i)
				wrong++;
			json_decref(out);
		}
	return (void *)wrong;
}

static void many_threads(void **state)
{
	struct crowd crowd = {0};
	pthread_t thread[4];

	(void)state;
	assert_int_equal(jwt_keys_load(&crowd.keys, "a secret of thirty-two bytes ok!", NULL), OK);
	for (size_t i = 0; i < COUNT(crowd.text); i++) {
		json_t *claims = json_pack("{s:I, s:I}", "exp", (json_int_t)NOW + 60, "n", (json_int_t)i);
		crowd.text[i] = jwt_sign(crowd.keys, claims);
		json_decref(claims);
	}
	for (size_t i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, verify_all, &crowd), 0);
	for (size_t i = 0; i < COUNT(thread); i++) {
		void *wrong;
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	for (size_t i = 0; i < COUNT(crowd.text); i++)
		free(crowd.text[i]);
	jwt_keys_free(crowd.keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_whole_token),
		cmocka_unit_test(bounded),
		cmocka_unit_test(nothing_expired_stays),
		cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests_name("jwtcache", tests, NULL, NULL);
}
