/* store/db on both databases: values and rows, errors, transactions that are whole or not there at all, savepoints, tries again. */
#include <pthread.h>

#include "dbtest.h"

static struct db *table(void)
{
	struct db *d = connection();

	run(d, "CREATE TABLE t (id BIGINT PRIMARY KEY, word TEXT, bytes BYTEA)");
	return d;
}

/* ---- statements ---- */

static void values_come_back(void **state)
{
	static const char blob[] = "\0\1\xff'\\x";
	static const char word[] = "Grüße, \"it's\" \\ {postgres} 🙂";
	struct db *d = table();
	struct db_rows r;
	int64_t changed;
	size_t len;

	(void)state;
	must(db_exec(d, &changed, "INSERT INTO t (id, word, bytes) VALUES ($1, $2, $3)",
		DB_ARGS(db_int(INT64_MIN), db_text(word), db_blob(blob, sizeof blob))));
	assert_int_equal(changed, 1);
	must(db_exec(d, &changed, "INSERT INTO t (id, word, bytes) VALUES ($1, $2, $3), ($4, $5, $6)",
		DB_ARGS(db_int(INT64_MAX), db_text(NULL), db_blob(NULL, 0), db_int(0), db_text(""), db_blob("", 0))));
	assert_int_equal(changed, 2);
	db_query(&r, d, "SELECT id, word, bytes FROM t ORDER BY id", DB_NONE);
	assert_true(db_rows_next(&r));
	assert_true(db_rows_int(&r, 0) == INT64_MIN);
	assert_string_equal(db_rows_text(&r, 1), word);
	assert_memory_equal(db_rows_blob(&r, 2, &len), blob, sizeof blob);
	assert_int_equal(len, sizeof blob);
	assert_true(db_rows_next(&r));
	assert_int_equal(db_rows_int(&r, 0), 0);
	assert_string_equal(db_rows_text(&r, 1), "");
	assert_non_null(db_rows_blob(&r, 2, &len));
	assert_int_equal(len, 0);
	assert_false(db_rows_null(&r, 2));
	assert_true(db_rows_next(&r));
	assert_true(db_rows_int(&r, 0) == INT64_MAX);
	assert_true(db_rows_null(&r, 1));
	assert_null(db_rows_text(&r, 1));
	assert_string_equal(db_rows_word(&r, 1), "");
	assert_null(db_rows_blob(&r, 2, &len));
	assert_false(db_rows_next(&r));
	must(db_rows_done(&r));
	db_free(d);
}

static void parameters_by_name(void **state)
{
	struct db *d = connection();
	struct db_rows r;

	(void)state;
	/* SQLite numbers $2 first here; a NULL has its type all the same; one may be used twice. */
	db_query(&r, d, "SELECT $2, $1, $2, COALESCE($3, $1), $4 IS NULL", DB_ARGS(db_text("one"), db_int(2), db_text(NULL), db_time(0)));
	assert_true(db_rows_next(&r));
	assert_int_equal(db_rows_int(&r, 0), 2);
	assert_string_equal(db_rows_text(&r, 1), "one");
	assert_int_equal(db_rows_int(&r, 2), 2);
	assert_string_equal(db_rows_text(&r, 3), "one");
	assert_int_equal(db_rows_int(&r, 4), 1);
	must(db_rows_done(&r));
	db_free(d);
}

static void braces(void **state)
{
	struct db *d = connection();

	(void)state;
	assert_int_equal(number(d, "SELECT {sqlite: 1}{postgres: 2} + 10 -- {other: 3}"), on_postgres ? 12 : 11);
	assert_int_equal(db_is_postgres(d), on_postgres);
	db_free(d);
}

static void returning_happens_even_unread(void **state)
{
	struct db *d = table();
	struct db_rows r;

	(void)state;
	db_query(&r, d, "INSERT INTO t (id) VALUES (1), (2), (3) RETURNING id", DB_NONE);
	assert_true(db_rows_next(&r));
	must(db_rows_done(&r));
	db_query(&r, d, "INSERT INTO t (id) VALUES (4) RETURNING id", DB_NONE);
	must(db_rows_done(&r));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 4);
	db_free(d);
}

static void rows_within_rows(void **state)
{
	struct db *d = table();
	struct db_rows outer;
	int pairs = 0;

	(void)state;
	run(d, "INSERT INTO t (id) VALUES (1), (2), (3)");
	db_query(&outer, d, "SELECT id FROM t ORDER BY id", DB_NONE);
	while (db_rows_next(&outer)) {
		struct db_rows inner;
		db_query(&inner, d, "SELECT id FROM t ORDER BY id", DB_NONE); /* the same statement, still in use */
		while (db_rows_next(&inner))
			pairs += (int)(db_rows_int(&outer, 0) * 10 + db_rows_int(&inner, 0)) > 0;
		must(db_rows_done(&inner));
	}
	must(db_rows_done(&outer));
	assert_int_equal(pairs, 9);
	db_free(d);
}

static void more_statements_than_are_kept(void **state)
{
	struct db *d = table();

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 200; i++) {
			char sql[60];
			snprintf(sql, sizeof sql, "SELECT count(*) + %d FROM t", i);
			assert_int_equal(number(d, sql), i);
		}
	if (on_postgres) /* what was let go is gone on the server too */
		assert_true(number(d, "SELECT count(*) FROM pg_prepared_statements") <= 130);
	db_free(d);
}

static void errors(void **state)
{
	struct db *d = table(), *nowhere;

	(void)state;
	run(d, "INSERT INTO t (id, word) VALUES (1, 'secret')");
	assert_int_equal(db_exec(d, NULL, "INSERT INTO t (id, word) VALUES ($1, $2)", DB_ARGS(db_int(1), db_text("secret"))), ERR_CONFLICT);
	assert_true(*db_why(d) != '\0');
	assert_null(strstr(db_why(d), "secret"));
	assert_false(db_uncertain(d));
	assert_int_equal(db_exec(d, NULL, "SELEC 1", DB_NONE), ERR_INTERNAL);
	assert_int_equal(db_exec(d, NULL, "SELECT * FROM nothing", DB_NONE), ERR_INTERNAL);
	assert_int_equal(db_exec(d, NULL, "SELECT $1, $2", DB_ARGS(db_int(1))), ERR_INTERNAL);
	assert_int_equal(db_exec(d, NULL, "SELECT 1; SELECT 2", DB_NONE), ERR_INTERNAL);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1); /* the connection is as good as before */
	assert_string_equal(db_why(d), "");
	db_free(d);

	assert_int_equal(db_new(&nowhere, "mysql://x", 1000), ERR_BAD_REQUEST);
	assert_int_equal(db_new(&nowhere, "sqlite:", 1000), ERR_BAD_REQUEST);
	nowhere = connect_to(on_postgres ? "postgres:///x?host=/nowhere" : "sqlite:/nowhere/x.db", 1000);
	assert_int_equal(db_ping(nowhere), ERR_STORE_UNAVAILABLE);
	assert_true(*db_why(nowhere) != '\0');
	assert_false(db_uncertain(nowhere));
	db_free(nowhere);
	db_free(NULL);
}

/* ---- transactions ---- */

static enum err insert(struct db *d, int64_t id)
{
	return db_exec(d, NULL, "INSERT INTO t (id) VALUES ($1)", DB_ARGS(db_int(id)));
}

static enum err two_and_an_error(struct db *d, void *ctx)
{
	enum err e = insert(d, 1);

	if (e == OK)
		e = insert(d, 2);
	return e == OK ? *(enum err *)ctx : e;
}

static void all_or_nothing(void **state)
{
	struct db *d = table();
	enum err e = ERR_GONE;

	(void)state;
	assert_int_equal(db_write(d, two_and_an_error, &e), ERR_GONE);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 0);
	e = OK;
	must(db_write(d, two_and_an_error, &e));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2);
	assert_int_equal(db_write(d, two_and_an_error, &e), ERR_CONFLICT);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 2);
	db_free(d);
}

static enum err overlooks(struct db *d, void *ctx)
{
	enum err first = insert(d, 7), again = insert(d, 7), other = insert(d, 8);

	*(int *)ctx = first == OK && again == ERR_CONFLICT && other == ERR_CONFLICT; /* nothing goes on after a failure */
	return OK;
}

static void a_failure_cannot_be_overlooked(void **state)
{
	struct db *d = table();
	int as_expected = 0;

	(void)state;
	assert_int_equal(db_write(d, overlooks, &as_expected), ERR_CONFLICT);
	assert_true(as_expected);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 0);
	db_free(d);
}

static enum err sends(struct db *d, void *ctx)
{
	enum err gone = ERR_GONE, fine = OK, e;

	(void)ctx;
	if (insert(d, 10) != OK || db_write(d, two_and_an_error, &gone) != ERR_GONE)
		return ERR_INTERNAL;
	e = db_write(d, two_and_an_error, &fine);
	if (e != OK)
		return e;
	if (db_write(d, two_and_an_error, &fine) != ERR_CONFLICT) /* undoes itself only */
		return ERR_INTERNAL;
	return insert(d, 11);
}

static void savepoints(void **state)
{
	struct db *d = table();

	(void)state;
	must(db_write(d, sends, NULL));
	assert_int_equal(number(d, "SELECT sum(id) FROM t"), 10 + 1 + 2 + 11);
	db_free(d);
}

static enum err reads_twice(struct db *d, void *ctx)
{
	int64_t before = number(d, "SELECT count(*) FROM t");

	run(ctx, "INSERT INTO t (id) VALUES (99)"); /* another connection */
	assert_int_equal(number(d, "SELECT count(*) FROM t"), before);
	return OK;
}

static enum err writes(struct db *d, void *ctx)
{
	(void)ctx;
	return insert(d, 1);
}

static enum err tries_to_write(struct db *d, void *ctx)
{
	return db_write(d, writes, ctx);
}

static void reading_is_of_one_instant(void **state)
{
	struct db *d = table(), *other = connection();

	(void)state;
	must(db_read(d, reads_twice, other));
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	assert_int_equal(db_read(d, tries_to_write, NULL), ERR_INTERNAL);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	db_free(d);
	db_free(other);
}

/* ---- crashes ---- */

static int die_at;

static enum err ten_rows(struct db *d, void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 10; i++) {
		if (i == die_at)
			raise(SIGKILL);
		if (insert(d, i) != OK)
			return ERR_INTERNAL;
	}
	return OK;
}

static void killed_child(void)
{
	struct db *d = connection();
	enum err e = db_write(d, ten_rows, NULL);

	if (e == OK)
		raise(SIGKILL); /* right after the answer */
}

static void a_killed_writer_leaves_all_or_nothing(void **state)
{
	struct db *d = table();

	(void)state;
	db_free(d); /* connections don't survive a fork */
	for (die_at = 0; die_at <= 10; die_at++) {
		in_child(killed_child, SIGKILL);
		d = connection();
		assert_int_equal(number(d, "SELECT count(*) FROM t"), die_at == 10 ? 10 : 0);
		db_free(d);
	}
}

/* ---- together ---- */

#define WRITERS 4
#define ROUNDS 50

static enum err next_position(struct db *d, void *ctx)
{
	int64_t n;
	enum err e = db_number(d, &n, "SELECT id FROM t WHERE word = 'head' {postgres: FOR UPDATE}", DB_NONE);

	++*(int *)ctx;
	if (e == OK)
		e = db_exec(d, NULL, "UPDATE t SET id = $1 WHERE word = 'head'", DB_ARGS(db_int(n + 1)));
	if (e == OK)
		e = insert(d, -n);
	return e;
}

static void *writer(void *ctx)
{
	struct db *d = connect_to(address, 20000);
	int runs = 0;

	for (int i = 0; i < ROUNDS; i++)
		*(int *)ctx += db_write(d, next_position, &runs) == OK;
	if (runs != ROUNDS) /* they wait their turn, nobody works in vain */
		*(int *)ctx = -runs;
	db_free(d);
	return NULL;
}

static void writers_take_turns(void **state)
{
	struct db *d = table();
	pthread_t threads[WRITERS];
	int good[WRITERS] = {0};

	(void)state;
	run(d, "INSERT INTO t (id, word) VALUES (1, 'head')");
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, writer, &good[i]);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(good[i], ROUNDS);
	}
	assert_int_equal(number(d, "SELECT count(*) FROM t WHERE id < 0"), WRITERS * ROUNDS); /* gapless */
	assert_int_equal(number(d, "SELECT -min(id) FROM t"), WRITERS * ROUNDS);
	db_free(d);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static enum err hold(struct db *d, void *ctx)
{
	enum err e = db_exec(d, NULL, "UPDATE t SET word = 'held' WHERE id = 1", DB_NONE);

	pthread_mutex_unlock(ctx); /* the other may begin */
	pthread_mutex_lock(&held); /* until the test says so */
	pthread_mutex_unlock(&held);
	return e;
}

struct holder {
	struct db *d;
	pthread_mutex_t begun;
};

static void *holder(void *ctx)
{
	struct holder *h = ctx;

	assert_int_equal(db_write(h->d, hold, &h->begun), OK);
	return NULL;
}

static enum err wants_it(struct db *d, void *ctx)
{
	++*(int *)ctx;
	return db_exec(d, NULL, "UPDATE t SET word = 'mine' WHERE id = 1", DB_NONE);
}

static void a_lock_is_waited_for_but_not_for_ever(void **state)
{
	struct db *d = table(), *impatient = connect_to(address, 400);
	struct holder h = {.d = connection(), .begun = PTHREAD_MUTEX_INITIALIZER};
	int runs = 0, alone;
	pthread_t thread;

	(void)state;
	must(insert(d, 1));
	pthread_mutex_lock(&held);
	pthread_mutex_lock(&h.begun);
	pthread_create(&thread, NULL, holder, &h);
	pthread_mutex_lock(&h.begun);
	assert_int_equal(db_write(impatient, wants_it, &runs), ERR_STORE_UNAVAILABLE);
	assert_true(runs <= 4);
	assert_false(db_uncertain(impatient));
	alone = db_exec(impatient, NULL, "UPDATE t SET word = 'mine' WHERE id = 1", DB_NONE);
	assert_int_equal(alone, ERR_STORE_UNAVAILABLE);
	assert_false(db_uncertain(impatient));
	pthread_mutex_unlock(&held);
	pthread_join(thread, NULL);
	must(db_write(impatient, wants_it, &runs));
	assert_int_equal(number(d, "SELECT count(*) FROM t WHERE word = 'mine'"), 1);
	db_free(d);
	db_free(h.d);
	db_free(impatient);
}

static enum err busy_twice(struct db *d, void *ctx)
{
	int *runs = ctx;

	if (++*runs <= 2 && on_postgres) {
		struct db_rows r; /* as PostgreSQL says it itself */
		db_query(&r, d, "SELECT fail()", DB_NONE);
		return db_rows_done(&r);
	}
	return insert(d, *runs);
}

static void a_serialization_failure_is_tried_again(void **state)
{
	struct db *d = table();
	int runs = 0;

	(void)state;
	if (on_postgres)
		run(d,
			"CREATE FUNCTION fail() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
	must(db_write(d, busy_twice, &runs));
	assert_int_equal(runs, on_postgres ? 3 : 1);
	assert_int_equal(number(d, "SELECT count(*) FROM t"), 1);
	db_free(d);
}

static void a_changed_table_does_not_upset_kept_statements(void **state)
{
	struct db *d = table(), *other = connection();
	struct db_rows r;

	(void)state;
	run(d, "INSERT INTO t (id) VALUES (1)");
	for (int i = 0; i < 2; i++) {
		db_query(&r, d, "SELECT * FROM t WHERE id = $1", DB_ARGS(db_int(1)));
		assert_true(db_rows_next(&r));
		assert_int_equal(db_rows_int(&r, 0), 1);
		must(db_rows_done(&r));
		if (i == 0)
			run(other, "ALTER TABLE t ADD COLUMN more TEXT");
	}
	db_free(d);
	db_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		db_test(values_come_back),
		db_test(parameters_by_name),
		db_test(braces),
		db_test(returning_happens_even_unread),
		db_test(rows_within_rows),
		db_test(more_statements_than_are_kept),
		db_test(errors),
		db_test(all_or_nothing),
		db_test(a_failure_cannot_be_overlooked),
		db_test(savepoints),
		db_test(reading_is_of_one_instant),
		db_test(a_killed_writer_leaves_all_or_nothing),
		db_test(writers_take_turns),
		db_test(a_lock_is_waited_for_but_not_for_ever),
		db_test(a_serialization_failure_is_tried_again),
		db_test(a_changed_table_does_not_upset_kept_statements),
	};

	return db_suite("db", tests);
}
