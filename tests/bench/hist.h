/* A histogram of durations: log-linear buckets, so that p50 and p99.9 are both within 1.6 % and recording is a few
 * instructions. Holds values up to 2^40 ns (18 minutes); larger ones count as that. Not for several threads. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H
#include <stdint.h>

enum { HIST_SUB_BITS = 6, HIST_SUB = 1 << HIST_SUB_BITS, HIST_BUCKETS = (40 - HIST_SUB_BITS + 1) * HIST_SUB };

struct hist {
	uint64_t n, max_ns, sum_ns;
	uint32_t at[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_add(struct hist *h, uint64_t ns);

/* The upper edge of the bucket that holds the given share (0 < share <= 1) of all values; 0 when empty. */
uint64_t hist_share(const struct hist *h, double share);
#endif
