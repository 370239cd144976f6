/* store/migrate on both databases: applied once whoever comes, whole or not at all, altered or newer ones refused. */
#include "dbtest.h"
#include "store/migrate.h"

#define SOURCE(n, word, dialect, text) \
	{ \
		n, word, dialect, text, sizeof text - 1 \
	}

static const struct sql_source sources[] = {
	SOURCE(1, "one", "", "CREATE TABLE one (id BIGINT PRIMARY KEY);\nINSERT INTO one (id) VALUES (1);\n"),
	SOURCE(2, "two", "postgres", "CREATE TABLE two (id BIGINT, of TEXT DEFAULT 'postgres'); INSERT INTO two (id) VALUES (2);"),
	SOURCE(2, "two", "sqlite", "CREATE TABLE two (id BIGINT, of TEXT DEFAULT 'sqlite'); INSERT INTO two (id) VALUES (2);"),
	SOURCE(3, "three", "", "INSERT INTO two (id) VALUES (3);\nUPDATE one SET id = id + 1;"),
};

static struct arena arena;

static int empty(void **state)
{
	arena_init(&arena);
	return fresh(state);
}

static int empty_done(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

#define migrate_test(f) cmocka_unit_test_setup_teardown(f, empty, empty_done)

static void applied_in_order_and_once(void **state)
{
	struct migrate_report report;
	struct db *d = connection();
	struct db_rows r;

	(void)state;
	must(migrate_look_from(d, &arena, sources, COUNT(sources), &report));
	assert_int_equal(report.count, 3);
	assert_int_equal(report.pending, 3);
	must(migrate_look_from(d, &arena, sources, COUNT(sources), &report)); /* looking changes nothing */
	must(migrate_run_from(d, &arena, sources, 1, &report));
	assert_int_equal(report.applied, 1);
	must(migrate_run_from(d, &arena, sources, COUNT(sources), &report));
	assert_int_equal(report.applied, 2);
	assert_int_equal(report.pending, 0);
	assert_int_equal(report.newest, 3);
	must(migrate_run_from(d, &arena, sources, COUNT(sources), &report));
	assert_int_equal(report.applied, 0);
	assert_true(report.list[2].applied_at > 0);
	assert_int_equal(number(d, "SELECT id FROM one"), 2);
	db_query(&r, d, "SELECT of FROM two ORDER BY id", DB_NONE);
	assert_true(db_rows_next(&r));
	assert_string_equal(db_rows_text(&r, 0), on_postgres ? "postgres" : "sqlite");
	must(db_rows_done(&r));
	db_free(d);
}

static void a_bad_one_leaves_no_trace(void **state)
{
	static const struct sql_source bad[] = {
		SOURCE(1, "one", "", "CREATE TABLE one (id BIGINT PRIMARY KEY);"),
		SOURCE(2, "bad", "", "CREATE TABLE half (id BIGINT); INSERT INTO one (id) VALUES (1); INSERT INTO nowhere (id) VALUES (1);"),
		SOURCE(3, "three", "", "CREATE TABLE three (id BIGINT);"),
	};
	struct migrate_report report;
	struct db *d = connection();

	(void)state;
	assert_int_equal(migrate_run_from(d, &arena, bad, COUNT(bad), &report), ERR_INTERNAL);
	assert_non_null(strstr(db_why(d), "nowhere"));
	must(migrate_look_from(d, &arena, bad, COUNT(bad), &report));
	assert_int_equal(report.pending, 2);
	assert_int_equal(number(d, "SELECT count(*) FROM one"), 0);
	assert_int_equal(db_exec(d, NULL, "SELECT * FROM half", DB_NONE), ERR_INTERNAL);
	db_free(d);
}

static void an_altered_or_newer_one_is_refused(void **state)
{
	static const struct sql_source altered[] = {SOURCE(1, "one", "", "CREATE TABLE one (id BIGINT PRIMARY KEY);")};
	struct migrate_report report;
	struct db *d = connection();

	(void)state;
	must(migrate_run_from(d, &arena, sources, 1, &report));
	assert_int_equal(migrate_run_from(d, &arena, altered, 1, &report), ERR_CONFLICT);
	assert_true(report.list[0].altered);
	must(migrate_run_from(d, &arena, sources, COUNT(sources), &report));
	assert_int_equal(migrate_run_from(d, &arena, sources, 1, &report), ERR_CONFLICT);
	assert_int_equal(report.newest, 3);
	assert_false(report.list[0].altered);
	db_free(d);
}

static void migrate_child(void)
{
	struct migrate_report report;
	struct arena a;
	struct db *d = NULL;
	enum err e;

	arena_init(&a);
	if (db_new(&d, address, 30000) != OK)
		_exit(1);
	e = migrate_run(d, &a, &report);
	if (e != OK || report.pending != 0) {
		fprintf(stderr, "migrator: %d %s\n", e, db_why(d));
		_exit(1);
	}
	db_free(d);
	arena_done(&a);
}

static void many_at_once(void **state)
{
	pid_t pids[6];
	struct db *d;
	int status;

	(void)state;
	for (size_t i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			migrate_child();
			_exit(0);
		}
	}
	for (size_t i = 0; i < COUNT(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	d = connection();
	assert_int_equal(number(d, "SELECT count(*) FROM schema_migrations"), number(d, "SELECT max(number) FROM schema_migrations"));
	db_free(d);
}

/* Killed at whatever moment, the next one finishes the work. */
static void killed_and_taken_up(void **state)
{
	struct db *d;

	(void)state;
	for (int us = 0; us < 40000; us += 4000) {
		pid_t pid = fork();
		if (pid == 0) {
			migrate_child();
			_exit(0);
		}
		usleep((useconds_t)us);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	in_child(migrate_child, 0);
	d = connection();
	assert_int_equal(number(d, "SELECT count(*) FROM schema_migrations"), number(d, "SELECT max(number) FROM schema_migrations"));
	db_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		migrate_test(applied_in_order_and_once),
		migrate_test(a_bad_one_leaves_no_trace),
		migrate_test(an_altered_or_newer_one_is_refused),
		migrate_test(many_at_once),
		migrate_test(killed_and_taken_up),
	};

	return db_suite("db_migrate", tests);
}
