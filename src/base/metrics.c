/* The list of metrics and its text form. */
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"

/* Bounds for durations from one Redis round trip to a long wait, in microseconds. */
static const int64_t bounds_us[METRIC_BOUNDS] = {
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 5000000};

static struct metric *first; /* sorted by name; changed only before main */

void metrics_register(struct metric *m)
{
	struct metric **at = &first;

	while (*at && strcmp((*at)->name, m->name) < 0)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
}

void metric_observe_us(struct metric *m, int64_t us)
{
	int i = 0;

	if (us < 0)
		us = 0;
	while (i < METRIC_BOUNDS && us > bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&m->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->value, us, memory_order_relaxed);
}

static void write_seconds(struct buf *b, int64_t us)
{
	buf_printf(b, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void write_plain(struct buf *b, const struct metric *m, const char *labels)
{
	buf_printf(b, "%s{%s} ", m->name, labels);
	buf_int(b, metric_get(m));
	buf_char(b, '\n');
}

static void write_histogram(struct buf *b, const struct metric *m, const char *labels)
{
	int64_t count = 0;

	for (int i = 0; i <= METRIC_BOUNDS; i++) {
		count += atomic_load_explicit(&m->bucket[i], memory_order_relaxed);
		buf_printf(b, "%s_bucket{%s,le=\"", m->name, labels);
		if (i < METRIC_BOUNDS)
			write_seconds(b, bounds_us[i]);
		else
			BUF_LIT(b, "+Inf");
		buf_printf(b, "\"} %lld\n", (long long)count);
	}
	buf_printf(b, "%s_sum{%s} ", m->name, labels);
	write_seconds(b, metric_get(m));
	buf_printf(b, "\n%s_count{%s} %lld\n", m->name, labels, (long long)count);
}

void metrics_write(struct buf *b, const char *program)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	struct buf labels;

	buf_init(&labels, 256);
	buf_printf(&labels, "program=\"%s\",pid=\"%d\"", program, (int)getpid());
	for (const struct metric *m = first; m && buf_ok(&labels); m = m->next) {
		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->kind]);
		if (m->kind == METRIC_KIND_TIME)
			write_histogram(b, m, labels.data);
		else
			write_plain(b, m, labels.data);
	}
	buf_done(&labels);
}
