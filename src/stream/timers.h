/* Timers of one event loop: a binary heap of moments, living inside what they belong to. One thread. */
#ifndef STREAM_TIMERS_H
#define STREAM_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	int64_t at;   /* clock_mono_ms */
	size_t place; /* in the heap, from 1; 0 = not set */
	void (*fire)(void *owner);
	void *owner;
};

struct timers {
	struct timer **heap; /* heap[1] is the earliest */
	size_t count, cap;
};

void timers_init(struct timers *t);
void timers_done(struct timers *t);
void timer_set(struct timers *t, struct timer *timer, int64_t at); /* sets or moves */
void timer_clear(struct timers *t, struct timer *timer);
int64_t timers_next(const struct timers *t, int64_t otherwise); /* the earliest moment, or otherwise */
void timers_run(struct timers *t, int64_t now);                 /* fires what is due; a timer that fires is not set any more */

#endif
