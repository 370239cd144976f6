/* Pushes in numbers: see push.h. */
#include <stdatomic.h>

#include "base/metrics.h"
#include "chat/call.h"
#include "chat/push.h"
#include "store/keys.h"
#include "store/store.h"

METRIC_GAUGE(due, "room_push_due", "Pushes that are due and not taken by a worker.");
METRIC_GAUGE(dead_letters, "room_push_dead_letters", "Pushes that were given up, for reasons that `room worker --status` names.");

struct pending {
	void (*done)(void *ctx);
	void *ctx;
	_Atomic int64_t left, due, dead, unknown; /* buckets without an answer yet; sums */
};

static void answered(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	if (reply_err(r) == OK) {
		atomic_fetch_add(&p->due, reply_int(reply_at(r, 1)));
		atomic_fetch_add(&p->dead, reply_int(reply_at(r, 2)));
	} else {
		atomic_fetch_add(&p->unknown, 1);
	}
	if (atomic_fetch_sub(&p->left, 1) > 1)
		return;
	if (atomic_load(&p->unknown) == 0) {
		metric_set(&due, atomic_load(&p->due));
		metric_set(&dead_letters, atomic_load(&p->dead));
	}
	p->done(p->ctx);
	free(p);
}

void push_measure(void (*done)(void *ctx), void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);
	unsigned b = 0, buckets = keys_buckets();

	p->done = done;
	p->ctx = ctx;
	p->left = buckets;
	do { /* there is one at least */
		struct args a;
		args_init(&a);
		args_printf(&a, "{%u}:push", b);
		args_printf(&a, "{%u}:push:dead", b);
		a.keys = 2;
		redis_script(store_commands(), "push_measure", &a, answered, p);
	} while (++b < buckets);
}
