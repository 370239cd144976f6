/* See online.h. Called by api/conversations, api/participants and api/chats, on threads of store/dbpool. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "chat/call.h"
#include "chat/online.h"
#include "store/keys.h"
#include "store/store.h"

#define PORTION 300 /* people that one script looks at: so that it delays no send */

/* One look on its way; portions of it are answered one by one. */
struct look {
	struct online *online;
	void (*done)(void *ctx);
	void *ctx;
	atomic_int left;
	atomic_bool failed;
};

struct portion {
	struct look *look;
	size_t count;
	size_t index[PORTION]; /* of the people asked for */
};

void online_init(struct online *o, struct arena *a)
{
	*o = (struct online){.arena = a};
}

void online_add(struct online *o, const char *id)
{
	if (o->count == o->room) {
		const char **more = arena_alloc(o->arena, (o->room * 2 + 64) * sizeof *more);
		if (o->count)
			memcpy(more, o->ids, o->count * sizeof *more);
		o->ids = more;
		o->room = o->room * 2 + 64;
	}
	o->ids[o->count++] = id;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(struct online *o)
{
	size_t n = 0;

	if (o->count)
		qsort(o->ids, o->count, sizeof *o->ids, compare);
	for (size_t i = 0; i < o->count; i++)
		if (n == 0 || strcmp(o->ids[n - 1], o->ids[i]) != 0)
			o->ids[n++] = o->ids[i];
	o->count = n;
	o->here = arena_alloc(o->arena, n + 1);
}

static void finished(struct look *l)
{
	if (atomic_fetch_sub(&l->left, 1) > 1)
		return;
	l->online->known = !atomic_load(&l->failed);
	l->done(l->ctx);
	free(l);
}

static void answered(void *portion, const struct reply *r)
{
	struct portion *p = portion;
	size_t len;
	const char *here = reply_text(reply_at(r, 1), &len);

	if (reply_err(r) != OK || len != p->count)
		atomic_store(&p->look->failed, true);
	else
		for (size_t i = 0; i < len; i++)
			p->look->online->here[p->index[i]] = here[i] == '1';
	finished(p->look);
	free(p);
}

static unsigned bucket_of(const char *id)
{
	char place[ID_MAX + 2];

	snprintf(place, sizeof place, "@%s", id);
	return keys_bucket(place);
}

static void ask(struct portion *p, unsigned bucket)
{
	struct args a;
	struct buf ids;

	buf_init(&ids, PORTION * (ID_MAX + 2));
	for (size_t i = 0; i < p->count; i++)
		buf_printf(&ids, "%s\n", p->look->online->ids[p->index[i]]);
	args_init(&a);
	args_printf(&a, "{%u}:online", bucket);
	a.keys = a.count;
	args_add(&a, ids.data, ids.len);
	args_str(&a, "");
	atomic_fetch_add(&p->look->left, 1);
	redis_script(store_reads(), "online", &a, answered, p);
	buf_done(&ids);
}

/* Those of one bucket, portion by portion. */
static void ask_bucket(struct look *l, unsigned bucket)
{
	const struct online *o = l->online;
	struct portion *p = NULL;

	for (size_t i = 0; i < o->count; i++) {
		if (keys_buckets() > 1 && bucket_of(o->ids[i]) != bucket)
			continue;
		if (!p) {
			p = call_alloc(sizeof *p);
			p->look = l;
		}
		p->index[p->count++] = i;
		if (p->count == PORTION) {
			ask(p, bucket);
			p = NULL;
		}
	}
	if (p)
		ask(p, bucket);
}

void online_look(struct online *o, void (*done)(void *ctx), void *ctx)
{
	struct look *l;

	sort(o);
	if (o->count == 0 || !redis_ready(store_reads())) {
		done(ctx);
		return;
	}
	l = call_alloc(sizeof *l);
	l->online = o;
	l->done = done;
	l->ctx = ctx;
	l->left = 1;
	for (unsigned bucket = 0; bucket < keys_buckets(); bucket++)
		ask_bucket(l, bucket);
	finished(l);
}

bool online_has(const struct online *o, const char *id)
{
	size_t low = 0, high = o->count;

	while (o->known && low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(id, o->ids[middle]);
		if (order == 0)
			return o->here[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* ---- one, at two places ---- */

struct connected {
	void (*done)(void *ctx, bool here);
	void *ctx;
	atomic_int left;
	atomic_bool here;
};

static void connected_finished(struct connected *c)
{
	if (atomic_fetch_sub(&c->left, 1) > 1)
		return;
	c->done(c->ctx, atomic_load(&c->here));
	free(c);
}

static void connected_answered(void *connected, const struct reply *r)
{
	struct connected *c = connected;

	if (reply_err(r) == OK && *reply_text(reply_at(r, 1), NULL) == '1')
		atomic_store(&c->here, true);
	connected_finished(c);
}

static void ask_place(struct connected *c, const char *id, const char *place, const char *keys_of)
{
	struct args a;

	args_init(&a);
	args_printf(&a, "{%u}:online", keys_bucket(keys_of));
	a.keys = a.count;
	args_str(&a, id);
	args_str(&a, place);
	atomic_fetch_add(&c->left, 1);
	redis_script(store_reads(), "online", &a, connected_answered, c);
}

void online_connected(const char *id, const char *conversation, void (*done)(void *ctx, bool here), void *ctx)
{
	char own[ID_MAX + 2], place[ID_MAX + 2];
	struct connected *c;

	if (!redis_ready(store_reads())) {
		done(ctx, false);
		return;
	}
	c = call_alloc(sizeof *c);
	c->done = done;
	c->ctx = ctx;
	c->left = 1;
	snprintf(own, sizeof own, "@%s", id);
	snprintf(place, sizeof place, "=%s", conversation);
	ask_place(c, id, "", own);
	ask_place(c, id, place, place);
	connected_finished(c);
}
