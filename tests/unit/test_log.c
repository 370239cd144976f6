/* base/log and base/metrics: one line of JSON per event in one write, and a page of metrics that Prometheus reads. */
#include <jansson.h>
#include <unistd.h>

#include "unit.h"
#include "base/log.h"
#include "base/metrics.h"

METRIC_COUNTER(sends, "test_sends_total", "Counted.");
METRIC_GAUGE(open_now, "test_open", "Open now.");
METRIC_TIME(took, "test_took_seconds", "How long.");

static char written[8192];
static size_t written_len;
static int writes;

ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	if (fd != STDERR_FILENO)
		return __real_write(fd, bytes, len);
	writes++;
	assert_true(len < sizeof written);
	memcpy(written, bytes, len);
	written[written_len = len] = '\0';
	return (ssize_t)len;
}

/* The last line, parsed; to be json_decref'd. */
static json_t *line(void)
{
	json_error_t e;
	json_t *object;

	assert_int_equal(writes, 1);
	writes = 0;
	assert_int_equal(written[written_len - 1], '\n');
	assert_ptr_equal(strchr(written, '\n'), written + written_len - 1);
	object = json_loads(written, JSON_REJECT_DUPLICATES, &e);
	if (!object)
		fail_msg("%s: %s", e.text, written);
	return object;
}

#define text_of(object, name) json_string_value(json_object_get(object, name))

static void a_line(void **state)
{
	json_t *o;

	(void)state;
	log_init("api", LOG_INFO);
	log_line(LOG_WARN, "redis.lost", "s:reason", "time\"out\r\n\xe2\x80\xa8", "i:pending", (int64_t)-12, "i:big", INT64_MAX, NULL);
	o = line();
	assert_string_equal(text_of(o, "program"), "api");
	assert_string_equal(text_of(o, "level"), "warn");
	assert_string_equal(text_of(o, "event"), "redis.lost");
	assert_string_equal(text_of(o, "reason"), "time\"out\r\n\xe2\x80\xa8");
	assert_int_equal(json_integer_value(json_object_get(o, "pending")), -12);
	assert_true(json_integer_value(json_object_get(o, "big")) == INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(o, "pid")), getpid());
	assert_true(json_integer_value(json_object_get(o, "at")) > INT64_C(1700000000000));
	json_decref(o);
}

static void levels(void **state)
{
	(void)state;
	log_init("api", LOG_WARN);
	log_line(LOG_DEBUG, "a", NULL);
	log_line(LOG_INFO, "b", NULL);
	assert_int_equal(writes, 0);
	log_line(LOG_ERROR, "c", NULL);
	json_decref(line());
	assert_int_equal(log_level_of("debug"), LOG_DEBUG);
	assert_int_equal(log_level_of("error"), LOG_ERROR);
	assert_int_equal(log_level_of("?"), LOG_INFO);
}

static void odd_values(void **state)
{
	static char longer[6000];
	json_t *o;

	(void)state;
	log_init("api", LOG_INFO);
	log_line(LOG_INFO, "odd", "s:none", (char *)NULL, "s:broken", "\xff\xfe", NULL);
	o = line();
	assert_string_equal(text_of(o, "none"), "");
	assert_non_null(text_of(o, "broken"));
	json_decref(o);
	memset(longer, 'x', sizeof longer - 1);
	log_line(LOG_INFO, "odd", "s:long", longer, NULL);
	o = line();
	assert_string_equal(text_of(o, "event"), "odd");
	assert_true(json_is_true(json_object_get(o, "cut")));
	json_decref(o);
}

static void refs(void **state)
{
	char a[17], b[17];

	(void)state;
	log_init("api", LOG_INFO);
	assert_string_equal(log_ref(a, "sess_1"), log_ref(b, "sess_1"));
	assert_int_equal(strlen(a), 16);
	assert_string_not_equal(a, log_ref(b, "sess_2"));
	log_init("api", LOG_INFO); /* another process, another name */
	assert_string_not_equal(a, log_ref(b, "sess_1"));
}

static bool has_line(const struct buf *b, const char *name, const char *label, const char *value)
{
	char want[200];

	snprintf(want, sizeof want, "\n%s{program=\"api\",pid=\"%d\"%s} %s\n", name, (int)getpid(), label, value);
	if (!strstr(b->data, want))
		print_message("missing: %s in %s\n", want, b->data);
	return strstr(b->data, want) != NULL;
}

static void metrics_page(void **state)
{
	struct buf b;

	(void)state;
	metric_add(&sends, 2);
	metric_add(&sends, 3);
	metric_set(&open_now, 9);
	metric_add(&open_now, -2);
	metric_observe_us(&took, 0);
	metric_observe_us(&took, 100);
	metric_observe_us(&took, 101);
	metric_observe_us(&took, 5000000);
	metric_observe_us(&took, 5000001);
	metric_observe_us(&took, -5); /* a clock that jumped */
	buf_init(&b, 65536);
	metrics_write(&b, "api");
	assert_true(buf_ok(&b));
	assert_true(has_line(&b, "test_sends_total", "", "5"));
	assert_true(has_line(&b, "test_open", "", "7"));
	assert_true(has_line(&b, "test_took_seconds_bucket", ",le=\"0.000100\"", "3"));
	assert_true(has_line(&b, "test_took_seconds_bucket", ",le=\"0.000250\"", "4"));
	assert_true(has_line(&b, "test_took_seconds_bucket", ",le=\"5.000000\"", "5"));
	assert_true(has_line(&b, "test_took_seconds_bucket", ",le=\"+Inf\"", "6"));
	assert_true(has_line(&b, "test_took_seconds_count", "", "6"));
	assert_true(has_line(&b, "test_took_seconds_sum", "", "10.000202"));
	assert_non_null(strstr(b.data, "# TYPE test_took_seconds histogram\n"));
	assert_non_null(strstr(b.data, "# TYPE test_sends_total counter\n"));
	assert_true(strstr(b.data, "# HELP test_open ") < strstr(b.data, "# HELP test_sends_total "));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line),
		cmocka_unit_test(levels),
		cmocka_unit_test(odd_values),
		cmocka_unit_test(refs),
		cmocka_unit_test(metrics_page),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
