/* store/dbpool: every job is called exactly once or refused at once; the caller never waits. */
#include <pthread.h>
#include <stdatomic.h>

#include "dbtest.h"
#include "base/clock.h"
#include "base/config.h"
#include "store/dbpool.h"

static _Atomic int done, late, shut;

static int pool_up(void **state)
{
	if (fresh(state) != 0)
		return -1;
	setenv("ROOM_DB", address, 1);
	done = late = 0;
	return config_load();
}

static int pool_down(void **state)
{
	(void)state;
	dbpool_close();
	config_done();
	return 0;
}

#define pool_test(f) cmocka_unit_test_setup_teardown(f, pool_up, pool_down)

static void count(struct db *d, void *ctx)
{
	(void)ctx;
	if (!d)
		late++;
	else if (db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE) == OK)
		done++;
}

static void wait_at_the_gate(struct db *d, void *ctx)
{
	while (shut)
		nap(2);
	count(d, ctx);
}

static void until(_Atomic int *what, int value)
{
	for (int i = 0; i < 1000 && *what < value; i++)
		nap(10);
	assert_int_equal(*what, value);
}

static void each_job_once(void **state)
{
	struct db *d = connection();

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT)");
	dbpool_open(4, 1000);
	for (int i = 0; i < 500; i++)
		must(dbpool_run(count, NULL));
	until(&done, 500);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 500);
	assert_int_equal(late, 0);
	dbpool_close();
	assert_int_equal(dbpool_run(count, NULL), ERR_STORE_UNAVAILABLE);
	dbpool_open(1, 10); /* again */
	must(dbpool_run(count, NULL));
	until(&done, 501);
	db_free(d);
}

static void full_is_said_at_once(void **state)
{
	struct db *d = connection();
	int64_t start;

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT)");
	dbpool_open(2, 5);
	shut = 1;
	must(dbpool_run(wait_at_the_gate, NULL));
	must(dbpool_run(wait_at_the_gate, NULL));
	for (int i = 0; i < 500 && dbpool_waiting() > 0; i++) /* both are taken up */
		nap(10);
	for (int i = 0; i < 5; i++)
		must(dbpool_run(wait_at_the_gate, NULL));
	assert_int_equal(dbpool_waiting(), 5);
	start = clock_mono_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(dbpool_run(wait_at_the_gate, NULL), ERR_STORE_UNAVAILABLE);
	assert_true(clock_mono_ms() - start < 3000);
	shut = 0;
	until(&done, 7);
	db_free(d);
}

static void *open_the_gate(void *unused)
{
	nap(100);
	shut = 0;
	return unused;
}

static void closing_tells_who_waits(void **state)
{
	struct db *d = connection();
	pthread_t t;

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT)");
	dbpool_open(1, 100);
	shut = 1;
	must(dbpool_run(wait_at_the_gate, NULL));
	for (int i = 0; i < 500 && dbpool_waiting() > 0; i++)
		nap(10);
	for (int i = 0; i < 10; i++)
		must(dbpool_run(count, NULL));
	pthread_create(&t, NULL, open_the_gate, NULL);
	dbpool_close();
	pthread_join(t, NULL);
	assert_int_equal(done, 1);
	assert_int_equal(late, 10);
	db_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pool_test(each_job_once),
		pool_test(full_is_said_at_once),
		pool_test(closing_tells_who_waits),
	};

	return db_suite("db_pool", tests);
}
