/* store/db when PostgreSQL, or the way to it, goes away: what surely did not happen is tried again, what may have happened never is, nothing waits
 * for ever. A proxy in between cuts the line at a chosen moment. And SQLite on a full disk. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "dbtest.h"
#include "base/clock.h"
#include "store/db_driver.h"

/* ---- the proxy ---- */

/* Before the server gets the word; after it has acted; no answer and no end; answered, and then, with the line open for a moment, it says that it
 * ends; says so in the middle of its answer; instead of one. */
enum cut { CUT_NEVER, CUT_BEFORE, CUT_AFTER, CUT_SILENT, CUT_FAREWELL, CUT_MIDWAY, CUT_REFUSED };

#define FAREWELL "E\0\0\0\046SFATAL\0VFATAL\0C57P01\0Mgoing down\0" /* and the 0 after it; the length counts itself, not the E */
#define READY_LEN 6                                                 /* ReadyForQuery: Z, its length, the state */

static struct proxy {
	char dir[100];
	int listener;
	const char *word;
	_Atomic int cut;
	pthread_t thread;
} proxy;

static int unix_socket(const char *dir, bool listening)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), bad;

	snprintf(a.sun_path, sizeof a.sun_path, "%s/.s.PGSQL.5432", dir);
	if (listening)
		bad = bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16);
	else
		bad = connect(fd, (struct sockaddr *)&a, sizeof a);
	if (bad) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool pass(int from, int to, char *bytes, ssize_t *len)
{
	*len = recv(from, bytes, 65536, 0);
	return *len > 0 && (to < 0 || send(to, bytes, (size_t)*len, MSG_NOSIGNAL) == *len);
}

/* One connection, until it ends or is cut. */
static void *carry(void *ctx)
{
	int client = *(int *)ctx, server = unix_socket(db_dir, false);
	struct pollfd p[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	static __thread char bytes[65536 + sizeof FAREWELL];
	bool doomed = false, leaving = false, midway = false;
	ssize_t len;

	free(ctx);
	while (server >= 0 && poll(p, 2, -1) > 0) {
		if (p[0].revents) {
			int cut = CUT_NEVER;
			if (!pass(client, -1, bytes, &len))
				break;
			if (memmem(bytes, (size_t)len, proxy.word, strlen(proxy.word)))
				cut = atomic_exchange(&proxy.cut, CUT_NEVER);
			if (cut == CUT_BEFORE || leaving)
				break;
			if (cut == CUT_REFUSED) {
				send(client, FAREWELL, sizeof FAREWELL, MSG_NOSIGNAL);
				break;
			}
			leaving = cut == CUT_FAREWELL || cut == CUT_MIDWAY;
			midway = cut == CUT_MIDWAY;
			doomed |= cut == CUT_AFTER;
			if (cut == CUT_SILENT) {
				while (pass(client, -1, bytes, &len)) /* until it gives up */
					;
				break;
			}
			if (send(server, bytes, (size_t)len, MSG_NOSIGNAL) != len)
				break;
		} else if (!pass(server, doomed || leaving ? -1 : client, bytes, &len) || doomed) {
			break; /* the answer was there: it has happened */
		} else if (leaving) {
			len -= midway ? READY_LEN : 0;
			memcpy(bytes + len, FAREWELL, sizeof FAREWELL); /* in one piece: both are there when the answer is */
			if (send(client, bytes, (size_t)len + sizeof FAREWELL, MSG_NOSIGNAL) < 0 || midway)
				break;
		}
	}
	close(client);
	if (server >= 0)
		close(server);
	return NULL;
}

static void *serve(void *unused)
{
	for (;;) {
		int *fd = malloc(sizeof *fd);
		pthread_t t;
		*fd = accept(proxy.listener, NULL, NULL);
		if (*fd < 0) {
			free(fd);
			return unused;
		}
		pthread_create(&t, NULL, carry, fd);
		pthread_detach(t);
	}
}

static int proxied(void **state)
{
	char sql[40];

	if (fresh(state) != 0)
		return -1;
	snprintf(proxy.dir, sizeof proxy.dir, "%s/proxy%d", db_dir, databases);
	if (mkdir(proxy.dir, 0700) != 0 || (proxy.listener = unix_socket(proxy.dir, true)) < 0)
		return -1;
	proxy.word = "\013COMMIT"; /* with the length before it: READ COMMITTED is another word */
	proxy.cut = CUT_NEVER;
	snprintf(sql, sizeof sql, "t%d", databases);
	snprintf(address, sizeof address, "postgres:///%s?host=%s&user=room", sql, proxy.dir);
	return pthread_create(&proxy.thread, NULL, serve, NULL);
}

static int proxied_done(void **state)
{
	(void)state;
	shutdown(proxy.listener, SHUT_RDWR);
	pthread_join(proxy.thread, NULL);
	close(proxy.listener);
	return 0;
}

/* ---- what is done through it ---- */

static int runs;

static enum err add_one(struct db *d, void *ctx)
{
	(void)ctx;
	runs++;
	return db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE);
}

static struct db *table(void)
{
	struct db *d = connect_to(address, 2000);

	run(d, "CREATE TABLE t (id BIGINT)");
	runs = 0;
	return d;
}

static void a_commit_without_an_answer_is_not_repeated(void **state)
{
	struct db *d = table();

	(void)state;
	proxy.cut = CUT_AFTER;
	assert_int_equal(db_write(d, add_one, NULL), ERR_STORE_UNAVAILABLE);
	assert_true(db_uncertain(d));
	assert_int_equal(runs, 1);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1); /* it had happened; and the connection is back */
	assert_false(db_uncertain(d));
	proxy.cut = CUT_BEFORE;
	assert_int_equal(db_write(d, add_one, NULL), ERR_STORE_UNAVAILABLE);
	assert_true(db_uncertain(d));
	assert_int_equal(runs, 2);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1); /* it had not */
	db_free(d);
}

static void a_transaction_cut_before_its_commit_is_repeated(void **state)
{
	struct db *d = table();

	(void)state;
	must(db_write(d, add_one, NULL)); /* prepared now */
	proxy.word = "BEGIN";
	proxy.cut = CUT_BEFORE;
	must(db_write(d, add_one, NULL));
	proxy.word = "INSERT INTO t"; /* on the new connection it is prepared anew */
	proxy.cut = CUT_AFTER;
	must(db_write(d, add_one, NULL));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 3);
	db_free(d);
}

static void a_statement_alone_is_a_commit_too(void **state)
{
	struct db *d = table();

	(void)state;
	run(d, "INSERT INTO t (id) VALUES (1)");
	proxy.word = "B"; /* Bind: it is prepared already */
	proxy.cut = CUT_AFTER;
	assert_int_equal(db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE), ERR_STORE_UNAVAILABLE);
	assert_true(db_uncertain(d));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2);
	proxy.cut = CUT_AFTER;
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2); /* reading may be repeated */
	db_free(d);
}

/* A server that shuts down says so first; its end of the line closes a moment later. What is sent in between has not happened. */
static void what_a_farewell_answers_has_not_happened(void **state)
{
	struct db *d = table();

	(void)state;
	must(db_write(d, add_one, NULL)); /* prepared now */
	proxy.cut = CUT_FAREWELL;
	must(db_write(d, add_one, NULL));
	must(db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE));
	assert_false(db_uncertain(d));
	proxy.word = "B"; /* Bind: it is prepared already */
	proxy.cut = CUT_REFUSED;
	must(db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE));
	assert_int_equal(proxy.cut, CUT_NEVER);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 4);
	db_free(d);
}

/* The answer comes before the commit, so a farewell between them says nothing about it. */
static void what_was_answered_before_a_farewell_may_have_happened(void **state)
{
	static const char add[] = "INSERT INTO t (id) VALUES (1)";
	struct db *d = table();

	(void)state;
	must(db_exec(d, NULL, add, DB_NONE)); /* prepared now */
	proxy.word = "B";                     /* Bind: it is prepared already */
	proxy.cut = CUT_MIDWAY;
	assert_int_equal(db_exec(d, NULL, add, DB_NONE), ERR_STORE_UNAVAILABLE);
	assert_true(db_uncertain(d));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2);
	db_free(d);
}

static void silence_is_an_end(void **state)
{
	struct db *d = connect_to(address, 1000);
	int64_t start = clock_mono_ms();

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT)");
	runs = 0;
	proxy.cut = CUT_SILENT;
	assert_int_equal(db_write(d, add_one, NULL), ERR_STORE_UNAVAILABLE);
	assert_true(db_uncertain(d));
	assert_true(clock_mono_ms() - start < 12000);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 0);
	db_free(d);
}

/* ---- the server itself ---- */

static enum err killed_within(struct db *d, void *ctx)
{
	struct db *other = ctx;
	int64_t pid;
	enum err e = add_one(d, NULL);

	if (e == OK && runs == 1) {
		assert_int_equal(db_number(d, &pid, "SELECT pg_backend_pid()", DB_NONE), OK);
		must(db_exec(other, NULL, "SELECT pg_terminate_backend(CAST($1 AS INTEGER))", DB_ARGS(db_int(pid))));
		e = db_exec(d, NULL, "INSERT INTO t (id) VALUES (2)", DB_NONE);
	}
	return e;
}

static void a_dead_backend_is_replaced(void **state)
{
	struct db *d, *other;

	(void)state;
	d = table();
	other = connection();
	must(db_write(d, killed_within, other));
	assert_int_equal(runs, 2);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	db_free(d);
	db_free(other);
}

static void a_restart_is_survived(void **state)
{
	struct db *d = table();
	int64_t start;

	(void)state;
	run(d, "INSERT INTO t (id) VALUES (7)");
	postgres_stop(SIGINT);
	start = clock_mono_ms();
	assert_int_equal(db_write(d, add_one, NULL), ERR_STORE_UNAVAILABLE);
	assert_false(db_uncertain(d));
	assert_int_equal(runs, 0);
	start = clock_mono_ms() - start;
	assert_true(start < 4000);
	start = clock_mono_ms();
	assert_int_equal(db_ping(d), ERR_STORE_UNAVAILABLE); /* nobody waits while it is known to be away */
	assert_true(clock_mono_ms() - start < 400);
	assert_true(*db_why(d) != '\0');
	assert_int_equal(postgres_start(), 0);
	for (int i = 0; i < 20 && db_ping(d) != OK; i++)
		nap(100);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	must(db_write(d, add_one, NULL));
	postgres_stop(SIGQUIT); /* a crash: what was acknowledged is there */
	assert_int_equal(postgres_start(), 0);
	for (int i = 0; i < 50 && db_ping(d) != OK; i++)
		nap(100);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2);
	db_free(d);
}

/* Who was refused a moment ago looks once more, and does not wait; only where connecting hangs nobody tries for a while. */
static void back_at_once(void **state)
{
	struct db *d = table();
	int64_t start;

	(void)state;
	postgres_stop(SIGINT);
	assert_int_equal(db_ping(d), ERR_STORE_UNAVAILABLE);
	assert_int_equal(postgres_start(), 0);
	d->connect_after_ms = clock_mono_ms() + 60000;
	must(db_ping(d));
	assert_int_equal(d->connect_after_ms, 0);
	postgres_stop(SIGINT);
	assert_int_equal(db_ping(d), ERR_STORE_UNAVAILABLE);
	start = clock_mono_ms();
	assert_int_equal(db_ping(d), ERR_STORE_UNAVAILABLE);
	assert_true(clock_mono_ms() - start < 400);
	assert_int_equal(postgres_start(), 0);
	d->hangs = true;
	d->connect_after_ms = clock_mono_ms() + 60000;
	assert_int_equal(db_ping(d), ERR_STORE_UNAVAILABLE);
	d->connect_after_ms = 0;
	must(db_ping(d));
	assert_false(d->hangs);
	db_free(d);
}

/* A pool's connections after a restart: each finds itself dead at its next call, whatever call that is, and nobody notices. */
static enum err count_rows(struct db *d, void *n)
{
	return db_number(d, n, "SELECT count(*) FROM t", DB_NONE);
}

static void add_alone(struct db *d)
{
	must(db_exec(d, NULL, "INSERT INTO t (id) VALUES (1)", DB_NONE));
}

static void idle_connections_survive_a_restart(void **state)
{
	static const int ends[] = {SIGINT, SIGQUIT};
	struct db *all[8] = {table()};
	int64_t n, expected = 8;

	(void)state;
	for (int i = 1; i < 8; i++)
		all[i] = connect_to(address, 2000);
	for (int i = 0; i < 8; i++)
		add_alone(all[i]);
	for (size_t how = 0; how < COUNT(ends); how++) {
		postgres_stop(ends[how]);
		assert_int_equal(postgres_start(), 0);
		for (int i = 0; i < 8; i++, expected++) {
			if (i % 4 == 0)
				must(db_write(all[i], add_one, NULL));
			else if (i % 4 == 1)
				add_alone(all[i]);
			else if (i % 4 == 2)
				must(db_read(all[i], count_rows, &n));
			else
				must(db_number(all[i], &n, "SELECT count(*) FROM t", DB_NONE));
			if (i % 4 > 1) {
				assert_int_equal(n, expected);
				add_alone(all[i]);
			}
		}
	}
	assert_int_equal(number(all[0], "SELECT count(*) FROM t"), expected);
	for (int i = 0; i < 8; i++)
		db_free(all[i]);
}

/* ---- SQLite ---- */

static enum err add_much(struct db *d, void *ctx)
{
	static char bytes[100000];

	(void)ctx;
	runs++;
	return db_exec(d, NULL, "INSERT INTO t (id, word) VALUES (1, $1)", DB_ARGS(db_blob(bytes, sizeof bytes)));
}

static void a_full_disk_says_so_and_heals(void **state)
{
	struct rlimit before, low;
	struct db *d = connection();

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT, word TEXT)");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	low = before;
	low.rlim_cur = 60000;
	setrlimit(RLIMIT_FSIZE, &low);
	runs = 0;
	assert_int_equal(db_write(d, add_much, NULL), ERR_STORE_UNAVAILABLE);
	assert_int_equal(runs, 1); /* trying again would not help */
	assert_true(*db_why(d) != '\0');
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 0);
	must(db_write(d, add_much, NULL));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	db_free(d);
}

static void only_we_can_read_it(void **state)
{
	struct db *d = connection();
	char path[300];
	struct stat st;

	(void)state;
	run(d, "CREATE TABLE t (id BIGINT)");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s", address + 7, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	db_free(d);
}

int main(void)
{
	const struct CMUnitTest on_sqlite[] = {
		db_test(a_full_disk_says_so_and_heals),
		db_test(only_we_can_read_it),
	};
	const struct CMUnitTest cut[] = {
		cmocka_unit_test_setup_teardown(a_commit_without_an_answer_is_not_repeated, proxied, proxied_done),
		cmocka_unit_test_setup_teardown(a_transaction_cut_before_its_commit_is_repeated, proxied, proxied_done),
		cmocka_unit_test_setup_teardown(a_statement_alone_is_a_commit_too, proxied, proxied_done),
		cmocka_unit_test_setup_teardown(what_a_farewell_answers_has_not_happened, proxied, proxied_done),
		cmocka_unit_test_setup_teardown(what_was_answered_before_a_farewell_may_have_happened, proxied, proxied_done),
		cmocka_unit_test_setup_teardown(silence_is_an_end, proxied, proxied_done),
		db_test(a_dead_backend_is_replaced),
		db_test(a_restart_is_survived),
		db_test(back_at_once),
		db_test(idle_connections_survive_a_restart),
	};
	int failed = cmocka_run_group_tests_name("db_loss on SQLite", on_sqlite, sqlite_up, sqlite_down);

	return failed +
		(postgres_installed() ? cmocka_run_group_tests_name("db_loss on PostgreSQL", cut, postgres_up, postgres_down) : without_postgres());
}
