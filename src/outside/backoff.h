/* How long to wait before another try. Any thread. */
#ifndef OUTSIDE_BACKOFF_H
#define OUTSIDE_BACKOFF_H

#include <stdint.h>

/* The delay after attempt (0, 1, …): least_ms doubled per attempt, at most most_ms, of which up to a half is taken off at random, so that those who failed
 * together don't come back together. */
int64_t backoff_ms(int attempt, int64_t least_ms, int64_t most_ms);

#endif
