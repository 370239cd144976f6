/* See due.h. */
#include "worker/due.h"

#include "store/keys.h"

enum err due_each_bucket(struct worker *w, enum err (*fn)(struct worker *w, unsigned bucket))
{
	enum err e = OK;

	for (unsigned b = 0; b < keys_buckets() && !worker_ending(w); b++) {
		enum err one = fn(w, b);
		if (e == OK)
			e = one;
	}
	return e;
}

enum err due_list(struct worker *w, unsigned bucket, const char *queue, size_t most, const struct told **list, size_t *count)
{
	const struct told *t = NULL;
	struct args a;
	enum err e;

	args_init(&a);
	args_printf(&a, "{%u}:%s", bucket, queue);
	a.keys = 1;
	args_int(&a, (int64_t)most);
	e = ask_script(w->redis, &w->arena, "due_peek", &a, &t);
	*list = told_at(t, 1);
	*count = told_count(*list) < most ? told_count(*list) : most;
	if (e == OK && *count == most)
		w->more = true;
	return e;
}
