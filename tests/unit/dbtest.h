/* A database for each test, on SQLite in a temporary folder or on a private PostgreSQL: what the test_db*.c programs share.
 *
 *     return db_suite("db", tests, COUNT(tests));       // runs them on both, each test with `address` naming a fresh database
 *
 * Where PostgreSQL is not installed they fail. */
#ifndef DBTEST_H
#define DBTEST_H

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"
#include "base/buf.h"
#include "store/db.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* no program uses all of it */

static char db_dir[64];   /* of this run */
static char address[200]; /* of this test's database */
static bool on_postgres;
static pid_t postgres_pid;
static int databases;

#define must(e) assert_int_equal((e), OK)

static void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

static struct db *connect_to(const char *where, int patience_ms)
{
	struct db *d = NULL;

	must(db_new(&d, where, patience_ms));
	return d;
}

static struct db *connection(void)
{
	return connect_to(address, 5000);
}

static int dir_make(void)
{
	snprintf(db_dir, sizeof db_dir, "/tmp/room-unit-XXXXXX");
	return mkdtemp(db_dir) ? 0 : -1;
}

static void dir_remove(void)
{
	char command[100];

	snprintf(command, sizeof command, "rm -rf %s", db_dir);
	if (system(command) != 0)
		perror(db_dir);
}

static int sqlite_up(void **state)
{
	(void)state;
	on_postgres = false;
	return dir_make();
}

static int sqlite_down(void **state)
{
	(void)state;
	dir_remove();
	return 0;
}

static void postgres_address(char *out, size_t size, const char *database)
{
	snprintf(out, size, "postgres:///%s?host=%s&user=room", database, db_dir);
}

/* Starts the server on db_dir (again). */
static int postgres_start(void)
{
	char where[200];
	enum err e = ERR_INTERNAL;

	postgres_pid = fork();
	if (postgres_pid == 0) {
		setsid(); /* a Ctrl-C at the terminal is ours to pass on */
		execl("tests/lib/postgres", "tests/lib/postgres", db_dir, (char *)NULL);
		_exit(127);
	}
	postgres_address(where, sizeof where, "postgres");
	for (int i = 0; i < 300 && e != OK; i++) {
		struct db *d = connect_to(where, 5000);
		if (waitpid(postgres_pid, NULL, WNOHANG) != 0)
			i = 300;
		else if ((e = db_ping(d)) != OK)
			nap(100);
		db_free(d);
	}
	return e == OK ? 0 : -1;
}

static void postgres_stop(int how)
{
	kill(postgres_pid, how);
	waitpid(postgres_pid, NULL, 0);
}

static int postgres_up(void **state)
{
	(void)state;
	on_postgres = true;
	return dir_make() == 0 ? postgres_start() : -1;
}

static int postgres_down(void **state)
{
	(void)state;
	postgres_stop(SIGINT);
	dir_remove();
	return 0;
}

/* Before each test: an empty database. */
static int fresh(void **state)
{
	char where[200], sql[100];
	struct db *d;
	enum err e;

	(void)state;
	if (!on_postgres) {
		snprintf(address, sizeof address, "sqlite:%s/%d.db", db_dir, ++databases);
		return 0;
	}
	postgres_address(where, sizeof where, "postgres");
	d = connect_to(where, 20000);
	snprintf(sql, sizeof sql, "CREATE DATABASE t%d", ++databases);
	e = db_exec(d, NULL, sql, DB_NONE);
	if (e != OK)
		fprintf(stderr, "%s: %s\n", sql, db_why(d));
	db_free(d);
	snprintf(sql, sizeof sql, "t%d", databases);
	postgres_address(address, sizeof address, sql);
	return e == OK ? 0 : -1;
}

static bool postgres_installed(void)
{
	return system("ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1") == 0;
}

static int without_postgres(void)
{
	puts("PostgreSQL is not installed: `tools/install test` installs it (Debian: the package postgresql)");
	return 1;
}

/* A child that runs fn and is expected to end with that signal (0: with exit code 0). */
static void in_child(void (*fn)(void), int signal)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (signal != 0) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signal);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static int64_t number(struct db *d, const char *sql)
{
	int64_t n;

	must(db_number(d, &n, sql, DB_NONE));
	return n;
}

static void run(struct db *d, const char *sql)
{
	enum err e = db_exec(d, NULL, sql, DB_NONE);

	if (e != OK)
		print_error("%s: %s\n", sql, db_why(d));
	must(e);
}

/* On both; tests is an array of CMUnitTest made with db_test(). */
#define db_test(f) cmocka_unit_test_setup(f, fresh)
#define db_suite(name, tests) \
	(cmocka_run_group_tests_name(name " on SQLite", tests, sqlite_up, sqlite_down) + \
		(postgres_installed() ? cmocka_run_group_tests_name(name " on PostgreSQL", tests, postgres_up, postgres_down) \
							  : without_postgres()))

#endif
