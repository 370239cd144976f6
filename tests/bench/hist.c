/* Latency histogram of the load generator; see hist.h. */
#include "hist.h"

#include <math.h>
#include <string.h>

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

static unsigned bucket_of(uint64_t ns)
{
	if (ns < HIST_SUB)
		return (unsigned)ns;
	if (ns >> 40)
		ns = (UINT64_C(1) << 40) - 1;
	unsigned top = 63 - (unsigned)__builtin_clzll(ns);
	unsigned shift = top - HIST_SUB_BITS;
	return (shift + 1) * HIST_SUB + (unsigned)((ns >> shift) & (HIST_SUB - 1));
}

static uint64_t edge_of(unsigned bucket)
{
	if (bucket < HIST_SUB)
		return bucket;
	unsigned shift = bucket / HIST_SUB - 1;
	return ((uint64_t)(HIST_SUB + bucket % HIST_SUB + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->at[bucket_of(ns)]++;
	h->n++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t hist_share(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)ceil(share * (double)h->n), seen = 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->at[i];
		if (seen >= want && seen > 0) {
			uint64_t edge = edge_of(i);
			return edge < h->max_ns ? edge : h->max_ns;
		}
	}
	return h->max_ns;
}
