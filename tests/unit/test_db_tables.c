/* The tables on both databases: what is told once is told once, work is claimed by one worker only, late answers of a lost lease count for
 * nothing, documents are never in clear, what is erased is gone from the files. */
#include <pthread.h>

#include "dbtest.h"
#include "base/config.h"
#include "base/seal.h"
#include "store/audit.h"
#include "store/devices.h"
#include "store/ledger.h"
#include "store/migrate.h"
#include "store/summaries.h"
#include "store/webhooks.h"

static struct arena arena;
static struct db *d;

static int tables(void **state)
{
	struct migrate_report report;
	const char *why;

	setenv("ROOM_KEYS", "k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1);
	if (config_load() != 0 || seal_setup(&why) != OK || fresh(state) != 0)
		return -1;
	arena_init(&arena);
	d = connection();
	return migrate_run(d, &arena, &report) == OK ? 0 : -1;
}

static int tables_done(void **state)
{
	(void)state;
	db_free(d);
	arena_done(&arena);
	seal_done();
	config_done();
	return 0;
}

#define table_test(f) cmocka_unit_test_setup_teardown(f, tables, tables_done)

/* ---- ledger ---- */

static void a_life_is_opened_and_closed_once(void **state)
{
	struct ledger_row row, end = {.conversation = "s1", .created_at = 1000, .expires_at = 5000, .ended_at = 3000, .messages = 6};
	bool mine;

	(void)state;
	assert_int_equal(ledger_get(d, &arena, "s1", &row), ERR_NOT_FOUND);
	must(ledger_open(d, "s1", 1000, 2000, "case_1"));
	must(ledger_open(d, "s1", 1000, 9999, "case_1")); /* the same again: stays as it is */
	must(ledger_get(d, &arena, "s1", &row));
	assert_int_equal(row.expires_at, 2000);
	assert_string_equal(row.case_ref, "case_1");
	assert_null(row.how);
	must(ledger_end(d, "s1", 1000, 2500, 4000));
	must(ledger_end(d, "s1", 1000, 2700, 4200));
	must(ledger_close(d, &end, LEDGER_EXPIRED, 6000, &mine));
	assert_true(mine);
	must(ledger_close(d, &end, LEDGER_LOST, 7000, &mine));
	assert_false(mine);
	must(ledger_end(d, "s1", 1000, 8000, 8000));
	must(ledger_get(d, &arena, "s1", &row));
	assert_int_equal(row.ended_at, 2500);
	assert_int_equal(row.expires_at, 5000);
	assert_int_equal(row.closed_at, 6000);
	assert_int_equal(row.messages, 6);
	assert_string_equal(row.how, "expired");
	/* A row that was never opened is written whole; another life of the same id is another row. */
	end.created_at = 900000;
	must(ledger_close(d, &end, LEDGER_ERASED, 950000, &mine));
	assert_true(mine);
	must(ledger_get(d, &arena, "s1", &row));
	assert_string_equal(row.how, "erased");
	assert_int_equal(number(d, "SELECT count(*) FROM ledger"), 2);
}

static void open_lives_are_looked_at_in_turn(void **state)
{
	struct ledger_row *rows;
	char id[20];
	int n;
	bool mine;
	int64_t count;

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof id, "s%d", i);
		must(ledger_open(d, id, 1000 + i, 90000, NULL));
	}
	must(ledger_check(d, &arena, 50000, 1000, 10, &rows, &n)); /* all younger than that */
	assert_int_equal(n, 0);
	must(ledger_check(d, &arena, 50000, 2000, 3, &rows, &n));
	assert_int_equal(n, 3);
	must(ledger_close(d, &rows[0], LEDGER_LOST, 50000, &mine));
	assert_true(mine);
	must(ledger_check(d, &arena, 50001, 2000, 10, &rows, &n));
	assert_int_equal(n, 2);
	must(ledger_check(d, &arena, 50002, 2000, 10, &rows, &n));
	assert_int_equal(n, 0);
	must(ledger_check(d, &arena, 60000, 55000, 10, &rows, &n));
	assert_int_equal(n, 4);
	must(ledger_open_count(d, &count));
	assert_int_equal(count, 4);
	must(ledger_prune(d, 50000, 10, &count)); /* closed before that: none */
	assert_int_equal(count, 0);
	must(ledger_prune(d, 50001, 10, &count));
	assert_int_equal(count, 1);
}

static void a_case_is_forgotten(void **state)
{
	struct ledger_row row;

	(void)state;
	must(ledger_open(d, "s1", 1, 2, "case_1"));
	must(ledger_forget_case(d, "case_1"));
	must(ledger_get(d, &arena, "s1", &row));
	assert_null(row.case_ref);
}

/* ---- devices ---- */

static void one_device_per_person(void **state)
{
	struct device_row row;

	(void)state;
	assert_int_equal(devices_get(d, &arena, "c1", &row), ERR_NOT_FOUND);
	must(devices_put(d, "c1", "token", "old", 1));
	must(devices_put(d, "c1", "fid", "new", 2));
	must(devices_forget(d, "c1", "old")); /* a late UNREGISTERED of the old one */
	must(devices_get(d, &arena, "c1", &row));
	assert_string_equal(row.kind, "fid");
	assert_string_equal(row.value, "new");
	assert_int_equal(row.updated_at, 2);
	must(devices_forget(d, "c1", "new"));
	assert_int_equal(devices_get(d, &arena, "c1", &row), ERR_NOT_FOUND);
	must(devices_put(d, "c1", "token", "x", 3));
	must(devices_delete(d, "c1"));
	must(devices_delete(d, "c1"));
	assert_int_equal(devices_put(d, "c1", "pigeon", "x", 3), ERR_INTERNAL);
	assert_int_equal(devices_get(d, &arena, "c1", &row), ERR_NOT_FOUND);
}

/* ---- audit ---- */

static enum err count_item(void *ctx, const struct audit_item *item)
{
	int64_t *last = ctx;

	assert_true(item->at >= *last);
	*last = item->at;
	return OK;
}

static void audit_is_kept_once(void **state)
{
	struct audit_item items[217];
	int64_t last = 0, n;

	(void)state;
	for (int i = 0; i < (int)COUNT(items); i++)
		items[i] = (struct audit_item){1000 + i / 2, "sent", i % 3 ? "s1" : "s2", i % 2 ? "student" : "counselor", i + 1};
	must(audit_add(d, items, COUNT(items)));
	must(audit_add(d, items, COUNT(items))); /* drained again after a crash */
	must(audit_add(d, items, 0));
	assert_int_equal(number(d, "SELECT count(*) FROM audit"), COUNT(items));
	must(audit_of(d, "s2", 0, 1000, count_item, &last));
	assert_int_equal(last, 1000 + 216 / 2);
	must(audit_prune(d, 1050, 60, &n));
	assert_int_equal(n, 60);
	must(audit_prune(d, 1050, 60, &n));
	assert_int_equal(n, 40);
	assert_int_equal(number(d, "SELECT min(at) FROM audit"), 1050);
}

/* ---- webhooks ---- */

static void queue(const char *id, int64_t at)
{
	struct webhooks_item w = {.id = id,
		.type = "session.ended",
		.conversation = "s1",
		.payload = "{\"type\":\"session.ended\"}",
		.created_at = at,
		.next_at = at};

	must(webhooks_add(d, &w));
}

static void webhooks_are_leased_retried_and_buried(void **state)
{
	struct webhooks_item *w;
	struct webhooks_counts counts;
	int64_t at, resent;
	int n;

	(void)state;
	must(webhooks_next(d, &at));
	assert_int_equal(at, 0);
	queue("evt_1", 1000);
	queue("evt_1", 1000);
	queue("evt_2", 2000);
	must(webhooks_next(d, &at));
	assert_int_equal(at, 1000);
	must(webhooks_claim(d, &arena, 1500, 60000, 10, &w, &n));
	assert_int_equal(n, 1);
	assert_string_equal(w[0].id, "evt_1");
	assert_string_equal(w[0].payload, "{\"type\":\"session.ended\"}");
	assert_null(w[0].request_id);
	assert_int_equal(w[0].attempt, 1);
	assert_int_equal(w[0].since, 1000);
	/* Leased: nobody gets it until the lease lapses; then the first one's answer comes too late. */
	must(webhooks_claim(d, &arena, 1600, 60000, 10, &w, &n));
	assert_int_equal(n, 0);
	must(webhooks_claim(d, &arena, 62000, 60000, 1, &w, &n));
	assert_int_equal(n, 1);
	assert_string_equal(w[0].id, "evt_2");
	must(webhooks_claim(d, &arena, 62000, 60000, 1, &w, &n));
	assert_int_equal(w[0].attempt, 2);
	assert_int_equal(webhooks_delivered(d, "evt_1", 1, 62001), ERR_CONFLICT);
	assert_int_equal(webhooks_failed(d, "evt_1", 1, "timeout", 0, 62001), ERR_CONFLICT);
	must(webhooks_failed(d, "evt_1", 2, "http_503", 70000, 62001));
	must(webhooks_delivered(d, "evt_2", 1, 62002));
	assert_int_equal(webhooks_delivered(d, "evt_2", 1, 62003), ERR_CONFLICT);
	must(webhooks_claim(d, &arena, 69999, 60000, 10, &w, &n));
	assert_int_equal(n, 0);
	must(webhooks_claim(d, &arena, 70000, 60000, 10, &w, &n));
	assert_int_equal(n, 1);
	assert_string_equal(w[0].last_error, "http_503");
	must(webhooks_failed(d, "evt_1", 3, "http_410", 0, 70001));
	must(webhooks_count(d, &counts));
	assert_int_equal(counts.pending, 0);
	assert_int_equal(counts.delivered, 1);
	assert_int_equal(counts.dead, 1);
	must(webhooks_list(d, &arena, "dead", 0, 10, &w, &n));
	assert_int_equal(n, 1);
	assert_int_equal(w[0].done_at, 70001);
	must(webhooks_list(d, &arena, NULL, 0, 10, &w, &n));
	assert_int_equal(n, 2);
	assert_string_equal(w[0].id, "evt_2");
	/* Sent again, from the start. */
	must(webhooks_resend(d, NULL, 80000, &resent));
	assert_int_equal(resent, 1);
	must(webhooks_resend(d, "evt_1", 80000, &resent));
	assert_int_equal(resent, 0); /* pending already */
	must(webhooks_claim(d, &arena, 80000, 60000, 10, &w, &n));
	assert_int_equal(n, 1);
	assert_int_equal(w[0].attempt, 1);
	assert_int_equal(w[0].since, 80000);
	must(webhooks_delivered(d, "evt_1", 1, 80001));
	must(webhooks_prune(d, 80001, 10, &resent));
	assert_int_equal(resent, 1);
}

static void the_same_event_has_the_same_id(void **state)
{
	char a[65], b[65];

	(void)state;
	webhooks_id(a, "session.expired", "s1", 1000);
	webhooks_id(b, "session.expired", "s1", 1000);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 36);
	webhooks_id(b, "session.expired", "s1", 1001);
	assert_string_not_equal(a, b);
	webhooks_id(b, "session.lost", "s1", 1000);
	assert_string_not_equal(a, b);
}

static struct ledger_row ending = {.conversation = "s1", .created_at = 1000, .expires_at = 2000, .messages = 3};
static int closers;

static enum err close_and_tell(struct db *c, void *ctx)
{
	struct webhooks_item w = {.type = "session.expired", .conversation = "s1", .payload = "{}", .created_at = 5000, .next_at = 5000};
	char id[65];
	enum err e = ledger_close(c, &ending, LEDGER_EXPIRED, 5000, ctx);

	if (e != OK || !*(bool *)ctx)
		return e;
	webhooks_id(id, w.type, w.conversation, ending.created_at);
	w.id = id;
	return webhooks_add(c, &w);
}

static void *closer(void *unused)
{
	struct db *c = connect_to(address, 20000);
	bool mine = false;

	if (db_write(c, close_and_tell, &mine) == OK && mine)
		__atomic_add_fetch(&closers, 1, __ATOMIC_SEQ_CST);
	db_free(c);
	return unused;
}

static void of_many_closers_one_tells(void **state)
{
	pthread_t threads[6];

	(void)state;
	closers = 0;
	must(ledger_open(d, "s1", 1000, 2000, NULL));
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, closer, NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(closers, 1);
	assert_int_equal(number(d, "SELECT count(*) FROM webhooks"), 1);
}

#define EVENTS 300

static int claimed[EVENTS], taken_twice;

static void *claimer(void *unused)
{
	struct db *c = connect_to(address, 20000);
	struct webhooks_item *w;
	struct arena a;
	int n = 1;

	arena_init(&a);
	while (n > 0 && webhooks_claim(c, &a, 10000, 60000, 7, &w, &n) == OK)
		for (int i = 0; i < n; i++)
			if (__atomic_add_fetch(&claimed[atoi(w[i].id + 4)], 1, __ATOMIC_SEQ_CST) != 1)
				__atomic_add_fetch(&taken_twice, 1, __ATOMIC_SEQ_CST);
	arena_done(&a);
	db_free(c);
	return unused;
}

static enum err queue_many(struct db *c, void *ctx)
{
	(void)ctx;
	for (int i = 0; i < EVENTS; i++) {
		struct webhooks_item w = {.type = "t", .payload = "{}", .created_at = 1, .next_at = 1};
		char id[20];
		snprintf(id, sizeof id, "evt_%d", i);
		w.id = id;
		if (webhooks_add(c, &w) != OK)
			return ERR_INTERNAL;
	}
	return OK;
}

static void each_piece_of_work_goes_to_one_worker(void **state)
{
	pthread_t threads[4];
	int all = 0;

	(void)state;
	memset(claimed, 0, sizeof claimed);
	taken_twice = 0;
	must(db_write(d, queue_many, NULL));
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, claimer, NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < EVENTS; i++)
		all += claimed[i];
	assert_int_equal(taken_twice, 0);
	/* PostgreSQL's SKIP LOCKED may end one early while others hold the rest; nobody is left out for good. */
	claimer(NULL);
	for (int i = all = 0; i < EVENTS; i++)
		all += claimed[i];
	assert_int_equal(all, EVENTS);
}

/* ---- summaries ---- */

#define CANARY "{\"concerns\":\"canary-4f1d\"}"

static struct summary_row ask(const char *conversation, const char *counselor, int64_t now, bool expect_made)
{
	struct summary_new n = {
		.conversation = conversation, .case_ref = "case_1", .counselor = counselor, .session_at = 100, .now = now, .expires_at = 100000};
	struct summary_row row;
	bool made;

	must(summaries_request(d, &arena, &n, &row, &made));
	assert_int_equal(made, expect_made);
	return row;
}

static struct summary_row written(const char *conversation, int64_t now)
{
	struct summary_row row = ask(conversation, "c1", now, true);
	int64_t attempt;

	must(summaries_start(d, row.id, now, &attempt));
	must(summaries_finish(d, row.id, attempt, "gemini-x", CANARY, strlen(CANARY), now + 1));
	return row;
}

static void one_summary_per_session(void **state)
{
	struct summary_row row = ask("s1", "c1", 1000, true), again = ask("s1", "c1", 1001, false);
	int64_t first, second;

	(void)state;
	assert_string_equal(row.id, again.id);
	assert_string_equal(again.status, "requested");
	assert_int_equal(summaries_get(d, &arena, "s1", "c2", 2000, &row), ERR_NOT_FOUND);
	must(summaries_get(d, &arena, "s1", "c1", 2000, &row));
	assert_null(row.document);
	/* A worker dies, another takes over; the first comes back late. */
	must(summaries_start(d, row.id, 1002, &first));
	must(summaries_start(d, row.id, 1003, &second));
	assert_int_equal(summaries_finish(d, row.id, first, "m", "{}", 2, 1004), ERR_CONFLICT);
	assert_int_equal(summaries_fail(d, row.id, first, "blocked", 1004), ERR_CONFLICT);
	must(summaries_finish(d, row.id, second, "gemini-x", CANARY, strlen(CANARY), 1005));
	assert_int_equal(summaries_finish(d, row.id, second, "m", "{}", 2, 1006), ERR_CONFLICT);
	assert_int_equal(summaries_start(d, row.id, 1007, &first), ERR_NOT_FOUND);
	must(summaries_get(d, &arena, "s1", "c1", 2000, &row));
	assert_string_equal(row.status, "ready");
	assert_string_equal(row.document, CANARY);
	assert_int_equal(row.document_len, strlen(CANARY));
	assert_string_equal(row.model, "gemini-x");
	assert_int_equal(row.finished_at, 1005);
	assert_int_equal(summaries_get(d, &arena, "s1", "c1", 100000, &row), ERR_NOT_FOUND); /* past its retention */
	/* Handed over: who asks last may read. */
	ask("s1", "c2", 1100, false);
	must(summaries_get(d, &arena, "s1", "c2", 2000, &row));
	assert_int_equal(summaries_get(d, &arena, "s1", "c1", 2000, &row), ERR_NOT_FOUND);
	must(summaries_get(d, &arena, "s1", NULL, 2000, &row));
}

static void a_failed_summary_may_be_asked_for_again(void **state)
{
	struct summary_row row = ask("s1", "c1", 1000, true), *list;
	int64_t first, second;
	int n;

	(void)state;
	must(summaries_start(d, row.id, 1001, &first));
	must(summaries_fail(d, row.id, first, "blocked", 1002));
	must(summaries_get(d, &arena, "s1", "c1", 1003, &row));
	assert_string_equal(row.reason, "blocked");
	row = ask("s1", "c1", 1003, true);
	assert_null(row.reason);
	assert_int_equal(row.finished_at, 0);
	must(summaries_start(d, row.id, 1004, &second));
	assert_true(second > first);
	/* Its copy of the log is gone: given up, told once. */
	must(summaries_abandon(d, &arena, 1004, 9000, 10, &list, &n));
	assert_int_equal(n, 0);
	must(summaries_abandon(d, &arena, 5000, 9000, 10, &list, &n));
	assert_int_equal(n, 1);
	assert_string_equal(list[0].reason, "abandoned");
	must(summaries_abandon(d, &arena, 5000, 9001, 10, &list, &n));
	assert_int_equal(n, 0);
	assert_int_equal(summaries_finish(d, row.id, second, "m", "{}", 2, 9002), ERR_CONFLICT);
}

static void cases(void **state)
{
	struct summary_row *list, row;
	int64_t n64;
	int n;

	(void)state;
	written("s1", 1000);
	written("s2", 2000);
	ask("s3", "c1", 3000, true);
	must(summaries_previous(d, &arena, "case_1", "s3", 5000, &row));
	assert_string_equal(row.conversation, "s2");
	assert_string_equal(row.document, CANARY);
	must(summaries_previous(d, &arena, "case_1", "s2", 5000, &row));
	assert_string_equal(row.conversation, "s1");
	must(summaries_of_case(d, &arena, "case_1", 5000, 0, 2, true, &list, &n));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].conversation, "s3");
	assert_null(list[0].document);
	assert_string_equal(list[1].document, CANARY);
	must(summaries_of_case(d, &arena, "case_1", 5000, list[1].created_at, 2, false, &list, &n));
	assert_int_equal(n, 1);
	assert_null(list[0].document);
	must(summaries_of_counselor(d, &arena, "c1", 5000, 0, 10, &list, &n));
	assert_int_equal(n, 3);
	must(summaries_erase(d, "s1", &n64));
	assert_int_equal(n64, 1);
	must(summaries_erase_case(d, "case_1", &n64));
	assert_int_equal(n64, 2);
	assert_int_equal(summaries_previous(d, &arena, "case_1", "s3", 5000, &row), ERR_NOT_FOUND);
	written("s9", 1000);
	must(summaries_prune(d, 99999, 10, &n64));
	assert_int_equal(n64, 0);
	must(summaries_prune(d, 100000, 10, &n64));
	assert_int_equal(n64, 1);
}

static void keys_change(void **state)
{
	struct summary_row row;
	int64_t done, lost;
	const char *why;

	(void)state;
	written("s1", 1000);
	written("s2", 1000);
	written("s3", 1000);
	/* Nobody can pass one document off as another's. */
	run(d, "UPDATE summaries SET document = (SELECT document FROM summaries WHERE conversation = 's1') WHERE conversation = 's3'");
	assert_int_equal(summaries_get(d, &arena, "s3", "c1", 2000, &row), ERR_INTERNAL);
	setenv("ROOM_KEYS", "k2=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE,k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1);
	assert_int_equal(config_load(), 0);
	must(seal_setup(&why));
	must(summaries_get(d, &arena, "s1", "c1", 2000, &row));
	assert_string_equal(row.document, CANARY);
	must(summaries_reseal(d, 1, &done, &lost));
	assert_int_equal(done, 1);
	must(summaries_reseal(d, 10, &done, &lost));
	assert_int_equal(done, 1);
	must(summaries_reseal(d, 10, &done, &lost));
	assert_int_equal(done, 0);
	assert_int_equal(lost, 1);
	setenv("ROOM_KEYS", "k2=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", 1); /* the old one may go */
	assert_int_equal(config_load(), 0);
	must(seal_setup(&why));
	must(summaries_get(d, &arena, "s2", "c1", 2000, &row));
	assert_string_equal(row.document, CANARY);
}

static int hits(const char *text)
{
	char command[200];

	snprintf(command, sizeof command, "grep -rlaF '%s' %s | grep -vc '/log$' >/dev/null", text, db_dir);
	return system(command) == 0;
}

static void nothing_in_clear_and_nothing_left(void **state)
{
	struct summary_row row = written("s1", 1000);

	(void)state;
	must(devices_put(d, "c1", "token", "canary-token", 1));
	run(d, on_postgres ? "CHECKPOINT" : "SELECT 1");
	assert_true(hits("canary-token")); /* the search does find */
	assert_true(hits(row.id));
	assert_false(hits("canary-4f1d"));
	must(devices_delete(d, "c1"));
	must(summaries_erase(d, "s1", NULL));
	if (on_postgres) {
		must(db_scrub(d, "summaries"));
		return;
	}
	assert_true(hits(row.id)); /* the write-ahead log had it */
	must(db_scrub(d, "summaries"));
	assert_false(hits("canary-token"));
	assert_false(hits(row.id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		table_test(a_life_is_opened_and_closed_once),
		table_test(open_lives_are_looked_at_in_turn),
		table_test(a_case_is_forgotten),
		table_test(one_device_per_person),
		table_test(audit_is_kept_once),
		table_test(webhooks_are_leased_retried_and_buried),
		table_test(the_same_event_has_the_same_id),
		table_test(of_many_closers_one_tells),
		table_test(each_piece_of_work_goes_to_one_worker),
		table_test(one_summary_per_session),
		table_test(a_failed_summary_may_be_asked_for_again),
		table_test(cases),
		table_test(keys_change),
		table_test(nothing_in_clear_and_nothing_left),
	};

	return db_suite("db_tables", tests);
}
