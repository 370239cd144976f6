/* Counters, gauges and histograms of one process, as GET /metrics shows them (Prometheus text format 0.0.4). Every metric is a static
 * object of the module that counts, and known before main starts; no labels but the program's own, so nothing a user sends can add a series.
 *
 *     METRIC_COUNTER(sends, "room_sends_total", "Messages acknowledged.");
 *     …
 *     metric_add(&sends, 1);
 *
 * Counting is atomic, lock-free and safe from any thread. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/buf.h"

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_TIME };

#define METRIC_BOUNDS 14 /* upper bounds of a histogram of durations: metrics.c's table */

struct metric {
	const char *name, *help;
	enum metric_kind kind;
	_Atomic int64_t value;                     /* counter, gauge; a histogram's sum in microseconds */
	_Atomic int64_t bucket[METRIC_BOUNDS + 1]; /* a histogram's counts, not cumulative; the last is +Inf */
	struct metric *next;
};

/* Used by the macros below, before main. */
void metrics_register(struct metric *m);

#define METRIC_(variable, kind_, name_, help_) \
	static struct metric variable = {.name = name_, .help = help_, .kind = kind_}; \
	__attribute__((constructor)) static void variable##_metric(void) \
	{ \
		metrics_register(&variable); \
	} \
	struct metric

#define METRIC_COUNTER(variable, name, help) METRIC_(variable, METRIC_KIND_COUNTER, name, help) /* only grows; name ends in _total */
#define METRIC_GAUGE(variable, name, help) METRIC_(variable, METRIC_KIND_GAUGE, name, help)     /* goes up and down */
#define METRIC_TIME(variable, name, help) METRIC_(variable, METRIC_KIND_TIME, name, help)       /* histogram; name ends in _seconds */

static inline void metric_add(struct metric *m, int64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void metric_set(struct metric *m, int64_t n)
{
	atomic_store_explicit(&m->value, n, memory_order_relaxed);
}

static inline int64_t metric_get(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

/* One duration, in microseconds, into a histogram. */
void metric_observe_us(struct metric *m, int64_t us);

/* Appends all metrics, sorted by name; program (e.g. "api") and the process id become the only labels. */
void metrics_write(struct buf *b, const char *program);

#endif
