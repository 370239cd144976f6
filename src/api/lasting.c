/* See lasting.h. */
#include "api/guard.h"
#include "api/lasting.h"

struct job {
	struct exchange *exchange;
	void (*fn)(struct db *d, struct exchange *x);
};

static void run(struct db *d, void *ctx)
{
	struct job *j = ctx;

	if (d)
		j->fn(d, j->exchange);
	else
		answer_error(j->exchange, ERR_STORE_UNAVAILABLE, NULL, 0);
}

void lasting_run(struct exchange *x, void (*fn)(struct db *d, struct exchange *x))
{
	struct job *j = arena_alloc(&x->arena, sizeof *j);
	enum err e;

	*j = (struct job){x, fn};
	e = dbpool_run(run, j);
	if (e != OK)
		answer_error(x, e, NULL, 0);
}

void lasting_run_body(struct exchange *x, struct body *b, void (*fn)(struct db *d, struct exchange *x))
{
	enum err e = b->error;

	if (e != OK)
		answer_error(x, e, b->details, 0);
	body_close(b);
	if (e == OK)
		lasting_run(x, fn);
}
