/* Summaries on both databases: one per session whoever asks and however often writers die, documents never in clear, and gone when erased. */
#include "dbtables.h"
#include "store/devices.h"
#include "store/summaries.h"

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
	assert_string_equal(list[0].reason, "ABANDONED");
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
	must(summaries_previous(d, &arena, "case_1", "s3", 5000, (struct summary_place){0}, &row));
	assert_string_equal(row.conversation, "s2");
	assert_string_equal(row.document, CANARY);
	must(summaries_previous(d, &arena, "case_1", "s2", 5000, (struct summary_place){0}, &row));
	assert_string_equal(row.conversation, "s1");
	must(summaries_of_case(d, &arena, "case_1", 5000, (struct summary_place){0}, 2, true, &list, &n));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].conversation, "s3");
	assert_null(list[0].document);
	assert_string_equal(list[1].document, CANARY);
	must(summaries_of_case(d, &arena, "case_1", 5000, (struct summary_place){list[1].created_at, NULL}, 2, false, &list, &n));
	assert_int_equal(n, 1);
	assert_null(list[0].document);
	must(summaries_of_counselor(d, &arena, "c1", 5000, (struct summary_place){0}, 10, &list, &n));
	assert_int_equal(n, 3);
	must(summaries_erase(d, "s1", 0, &n64));
	assert_int_equal(n64, 1);
	must(summaries_erase_case(d, "case_1", &n64));
	assert_int_equal(n64, 2);
	assert_int_equal(summaries_previous(d, &arena, "case_1", "s3", 5000, (struct summary_place){0}, &row), ERR_NOT_FOUND);
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
	return system(command) == 0; /* NOLINT(cert-env33-c) */
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
	must(summaries_erase(d, "s1", 0, NULL));
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
		table_test(one_summary_per_session),
		table_test(a_failed_summary_may_be_asked_for_again),
		table_test(cases),
		table_test(keys_change),
		table_test(nothing_in_clear_and_nothing_left),
	};

	return db_suite("db_summaries", tests);
}
