/* outside/breaker: the machine, step by step. That several processes share it is seen in tests/worker/outside.test.mjs. */
#include "unit.h"
#include "outside/breaker.h"

#define NOW INT64_C(1700000000000)

static enum breaker_gate gate(struct breaker_state *s, int64_t now_ms)
{
	int64_t wait_ms = -1;
	enum breaker_gate g = breaker_decide(s, now_ms, &wait_ms);

	if (g == BREAKER_WAIT)
		assert_in_range(wait_ms, 1, BREAKER_OPEN_MOST_MS);
	return g;
}

static struct breaker_state opened(void)
{
	struct breaker_state s = {0};

	breaker_note(&s, NOW, false, BREAKER_FAILURES, -1);
	return s;
}

static void opens_after_failures_in_a_row(void **state)
{
	struct breaker_state s = {0};

	(void)state;
	for (int i = 0; i < BREAKER_FAILURES - 1; i++)
		breaker_note(&s, NOW, false, 1, -1);
	assert_int_equal(gate(&s, NOW), BREAKER_PASS);
	breaker_note(&s, NOW, true, 0, -1); /* one good answer forgives */
	for (int i = 0; i < BREAKER_FAILURES - 1; i++)
		breaker_note(&s, NOW, false, 1, -1);
	assert_int_equal(gate(&s, NOW), BREAKER_PASS);
	breaker_note(&s, NOW, false, 1, -1);
	assert_int_equal(gate(&s, NOW), BREAKER_WAIT);
	assert_int_equal(gate(&s, NOW + BREAKER_OPEN_LEAST_MS - 1), BREAKER_WAIT);
}

static void one_tries_alone(void **state)
{
	struct breaker_state s = opened();
	int64_t later = NOW + BREAKER_OPEN_LEAST_MS;

	(void)state;
	assert_int_equal(gate(&s, later), BREAKER_TRY);
	assert_int_equal(gate(&s, later), BREAKER_WAIT);
	assert_int_equal(gate(&s, later + BREAKER_PROBE_MS - 1), BREAKER_WAIT);
	assert_int_equal(gate(&s, later + BREAKER_PROBE_MS), BREAKER_TRY); /* he who tried died */
}

static void a_good_trial_closes(void **state)
{
	struct breaker_state s = opened();

	(void)state;
	assert_int_equal(gate(&s, NOW + BREAKER_OPEN_LEAST_MS), BREAKER_TRY);
	breaker_note(&s, NOW + BREAKER_OPEN_LEAST_MS + 10, true, 0, -1);
	assert_int_equal(gate(&s, NOW + BREAKER_OPEN_LEAST_MS + 10), BREAKER_PASS);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.openings, 0);
}

static void a_bad_trial_opens_for_twice_as_long(void **state)
{
	struct breaker_state s = opened();
	int64_t now = NOW, length = BREAKER_OPEN_LEAST_MS;

	(void)state;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(s.open_until_ms, now + length);
		now = s.open_until_ms;
		assert_int_equal(gate(&s, now), BREAKER_TRY);
		breaker_note(&s, now, false, 1, -1);
		length = length * 2 > BREAKER_OPEN_MOST_MS ? BREAKER_OPEN_MOST_MS : length * 2;
	}
}

static void retry_after_is_honoured_within_reason(void **state)
{
	struct breaker_state s = {0};

	(void)state;
	breaker_note(&s, NOW, false, BREAKER_FAILURES, 60000);
	assert_int_equal(s.open_until_ms, NOW + 60000);
	s = (struct breaker_state){0};
	breaker_note(&s, NOW, false, BREAKER_FAILURES, INT64_C(86400000));
	assert_int_equal(s.open_until_ms, NOW + BREAKER_OPEN_MOST_MS);
	s = (struct breaker_state){0};
	breaker_note(&s, NOW, false, BREAKER_FAILURES, 0);
	assert_int_equal(s.open_until_ms, NOW + BREAKER_OPEN_LEAST_MS);
}

static void whoever_says_not_now_is_let_be(void **state)
{
	struct breaker_state s = {0};

	(void)state;
	breaker_note_hold(&s, NOW, 60000);
	assert_int_equal(gate(&s, NOW + 59999), BREAKER_WAIT);
	breaker_note(&s, NOW + 10, true, 0, -1); /* of a call that began before */
	breaker_note_hold(&s, NOW + 20, 1000);
	assert_int_equal(gate(&s, NOW + 59999), BREAKER_WAIT);
	assert_int_equal(gate(&s, NOW + 60000), BREAKER_TRY);
	assert_int_equal(gate(&s, NOW + 60001), BREAKER_WAIT);
	breaker_note(&s, NOW + 60100, true, 0, -1);
	breaker_note_hold(&s, NOW + 60100, 5000); /* the trial was told the same */
	assert_int_equal(gate(&s, NOW + 65099), BREAKER_WAIT);
	assert_int_equal(gate(&s, NOW + 65100), BREAKER_TRY);
	breaker_note(&s, NOW + 65200, true, 0, -1);
	assert_int_equal(gate(&s, NOW + 65200), BREAKER_PASS);
	breaker_note_hold(&s, NOW, INT64_C(86400000));
	assert_int_equal(s.open_until_ms, NOW + BREAKER_OPEN_MOST_MS);
}

static void stragglers_change_nothing(void **state)
{
	struct breaker_state s = opened(), was = s;

	(void)state;
	breaker_note(&s, NOW + 100, false, 3, -1);
	assert_int_equal(s.open_until_ms, was.open_until_ms);
	assert_int_equal(s.openings, was.openings);
}

static void a_clock_set_back(void **state)
{
	struct breaker_state s = opened();

	(void)state;
	assert_int_equal(gate(&s, NOW - 86400000), BREAKER_TRY); /* not shut for a day */
}

static void nothing_learnt(void **state)
{
	struct breaker_state s = {.failures = 4};

	(void)state;
	breaker_note(&s, NOW, false, 0, -1);
	assert_int_equal(s.failures, 4);
}

static void text(void **state)
{
	static const char *const bad[] = {
		"", "x", "1 2 3", "1 2 3 4 5", "1 2 3 x", "-1 0 0 0", "1 2 -3 4", "1 2 3 4 ", "99999999999999999999 1 1 1"};
	struct breaker_state s = {3, 2, NOW, NOW + 5}, back;
	char out[BREAKER_TEXT_MAX], max[BREAKER_TEXT_MAX];

	(void)state;
	breaker_write(out, &s);
	breaker_read(&back, out);
	assert_memory_equal(&s, &back, sizeof s);
	for (size_t i = 0; i < COUNT(bad); i++) {
		breaker_read(&back, bad[i]);
		if (back.failures || back.openings || back.open_until_ms || back.probe_until_ms)
			fail_msg("'%s' was read", bad[i]);
	}
	memset(max, '9', sizeof max);
	max[sizeof max - 1] = '\0';
	breaker_read(&back, max);
	assert_int_equal(back.failures, 0);
}

/* Whatever happens: it never stays shut longer than the longest opening or trial, and never lets two try at once. */
static void any_walk(void **state)
{
	struct breaker_state s = {0};
	int64_t now = NOW, refused_since = 0;
	unsigned random = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		random = random * 1103515245u + 12345u;
		now += (random >> 8) % 2000;
		if ((random >> 20) % 3 == 0)
			breaker_note(&s, now, (random >> 22) % 7 == 0, (int)((random >> 23) % 4), (random >> 16) % 100000);
		if (gate(&s, now) == BREAKER_WAIT) {
			if (!refused_since)
				refused_since = now;
			assert_true(now - refused_since <= BREAKER_OPEN_MOST_MS + BREAKER_PROBE_MS);
		} else {
			refused_since = 0;
		}
	}
}

static void without_redis(void **state)
{
	int64_t wait_ms;
	struct breaker_state s;

	(void)state;
	assert_int_equal(breaker_enter(NULL, "x", &wait_ms), BREAKER_PASS);
	breaker_report(NULL, "x", false, 9, -1);
	assert_false(breaker_look(NULL, "x", &s, &wait_ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_after_failures_in_a_row),
		cmocka_unit_test(one_tries_alone),
		cmocka_unit_test(a_good_trial_closes),
		cmocka_unit_test(a_bad_trial_opens_for_twice_as_long),
		cmocka_unit_test(retry_after_is_honoured_within_reason),
		cmocka_unit_test(whoever_says_not_now_is_let_be),
		cmocka_unit_test(stragglers_change_nothing),
		cmocka_unit_test(a_clock_set_back),
		cmocka_unit_test(nothing_learnt),
		cmocka_unit_test(text),
		cmocka_unit_test(any_walk),
		cmocka_unit_test(without_redis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
