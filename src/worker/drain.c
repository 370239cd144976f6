/* Moving a Redis list into SQL: see drain.h. */
#include "base/failpoint.h"
#include "worker/drain.h"

static enum err remove_items(struct worker *w, unsigned bucket, const char *queue, const char *const *items, int count)
{
	struct args a;
	enum err e;

	args_init(&a);
	args_printf(&a, "{%u}:%s", bucket, queue);
	a.keys = 1;
	args_int(&a, count);
	args_str(&a, items[0]);
	args_str(&a, items[count - 1]);
	e = ask_script(w->redis, &w->arena, "drain_done", &a, NULL);
	return e == ERR_CONFLICT ? OK : e; /* somebody else did */
}

enum err drain(struct worker *w, unsigned bucket, const char *queue, const char *word,
	enum err (*write)(struct worker *w, const char *const *items, int count))
{
	const struct told *t, *list;
	const char **items;
	struct args a;
	enum err e;
	int count;

	args_init(&a);
	args_printf(&a, "{%u}:%s", bucket, queue);
	a.keys = 1;
	args_int(&a, DRAIN_BATCH);
	e = ask_script(w->redis, &w->arena, "drain_look", &a, &t);
	list = told_at(t, 1);
	count = (int)told_count(list);
	if (e != OK || count == 0)
		return e;
	items = arena_alloc(&w->arena, (size_t)count * sizeof *items);
	for (int i = 0; i < count; i++)
		items[i] = told_text(told_at(list, (size_t)i));
	FAILPOINT("drain.looked");
	e = write(w, items, count);
	FAILPOINT("drain.written");
	if (e == OK)
		e = remove_items(w, bucket, queue, items, count);
	FAILPOINT("drain.removed");
	if (e != OK)
		return e;
	worker_count(w, word, count);
	if (count == DRAIN_BATCH)
		w->more = true;
	return OK;
}
