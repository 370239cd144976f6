/* The tables on both databases: what is told once is told once, work is claimed by one worker only, late answers of a lost lease count for
 * nothing. Summaries are in test_db_summaries.c. */
#include <pthread.h>

#include "dbtables.h"
#include "store/audit.h"
#include "store/devices.h"
#include "store/ledger.h"
#include "store/webhooks.h"

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
	};

	return db_suite("db_tables", tests);
}
