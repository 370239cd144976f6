#include "stream/timers.h"

#include <stdlib.h>

void timers_init(struct timers *t)
{
	t->heap = NULL;
	t->count = t->cap = 0;
}

void timers_done(struct timers *t)
{
	free(t->heap);
	timers_init(t);
}

static void put(struct timers *t, size_t place, struct timer *timer)
{
	t->heap[place] = timer;
	timer->place = place;
}

static void rise(struct timers *t, size_t place, struct timer *timer)
{
	while (place > 1 && t->heap[place / 2]->at > timer->at) {
		put(t, place, t->heap[place / 2]);
		place /= 2;
	}
	put(t, place, timer);
}

static void sink(struct timers *t, size_t place, struct timer *timer)
{
	for (size_t child; (child = 2 * place) <= t->count; place = child) {
		if (child < t->count && t->heap[child + 1]->at < t->heap[child]->at)
			child++;
		if (t->heap[child]->at >= timer->at)
			break;
		put(t, place, t->heap[child]);
	}
	put(t, place, timer);
}

void timer_set(struct timers *t, struct timer *timer, int64_t at)
{
	if (timer->place == 0) {
		if (t->count + 1 >= t->cap) {
			t->cap = t->cap == 0 ? 64 : 2 * t->cap;
			t->heap = realloc(t->heap, t->cap * sizeof(struct timer *));
			if (t->heap == NULL)
				abort();
		}
		timer->at = at;
		rise(t, ++t->count, timer);
		return;
	}
	int64_t before = timer->at;
	timer->at = at;
	if (at < before)
		rise(t, timer->place, timer);
	else
		sink(t, timer->place, timer);
}

void timer_clear(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;

	if (place == 0)
		return;
	timer->place = 0;
	struct timer *last = t->heap[t->count--];
	if (last == timer)
		return;
	if (place > 1 && t->heap[place / 2]->at > last->at)
		rise(t, place, last);
	else
		sink(t, place, last);
}

int64_t timers_next(const struct timers *t, int64_t otherwise)
{
	return t->count > 0 && t->heap[1]->at < otherwise ? t->heap[1]->at : otherwise;
}

void timers_run(struct timers *t, int64_t now)
{
	while (t->count > 0 && t->heap[1]->at <= now) {
		struct timer *timer = t->heap[1];
		timer_clear(t, timer);
		timer->fire(timer->owner);
	}
}
