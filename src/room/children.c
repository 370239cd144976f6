/* The processes that `room up` keeps alive: see children.h. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "room/children.h"

#define SETTLED_MS 10000 /* who lived this long starts with a clean record */
#define FREE_RESTARTS 3  /* deaths in a row that cost no waiting: tests and operators kill, and that is no reason to be slow */
#define LEAST_WAIT_MS 100
#define MOST_WAIT_MS 5000

const char *child_name(enum child_kind kind)
{
	static const char *const names[CHILD_KINDS] = {"redis", "api", "hub", "lighttpd", "worker"};

	return names[kind];
}

void children_init(struct children *c, pid_t (*start)(void *ctx, enum child_kind kind), void *ctx)
{
	*c = (struct children){.start = start, .ctx = ctx};
}

void children_done(struct children *c)
{
	free(c->list);
	*c = (struct children){0};
}

void children_add(struct children *c, enum child_kind kind, int count)
{
	c->list = realloc(c->list, (size_t)(c->count + count) * sizeof *c->list);
	if (!c->list)
		abort();
	for (int i = 0; i < count; i++)
		c->list[c->count++] = (struct child){.kind = kind};
}

/* How long to wait after this many quick deaths in a row. */
static int64_t wait_after(int quick)
{
	int doubled = quick - FREE_RESTARTS - 1;

	if (doubled < 0)
		return 0;
	return doubled >= 6 ? MOST_WAIT_MS : LEAST_WAIT_MS << doubled;
}

static void fell(struct child *child, int64_t now_ms)
{
	child->pid = 0;
	child->quick = now_ms - child->started_ms >= SETTLED_MS ? 1 : child->quick + 1;
	child->due_ms = now_ms + wait_after(child->quick);
}

bool children_start(struct children *c, int64_t now_ms)
{
	bool any = false;

	for (int i = 0; i < c->count; i++) {
		struct child *child = &c->list[i];
		if (child->pid != 0 || child->due_ms > now_ms)
			continue;
		child->started_ms = now_ms;
		child->pid = c->start(c->ctx, child->kind);
		if (child->pid <= 0)
			fell(child, now_ms);
		else
			any = true;
	}
	return any;
}

int64_t children_next(const struct children *c)
{
	int64_t next = -1;

	for (int i = 0; i < c->count; i++)
		if (c->list[i].pid == 0 && (next < 0 || c->list[i].due_ms < next))
			next = c->list[i].due_ms;
	return next;
}

const struct child *children_died(struct children *c, pid_t pid, int64_t now_ms)
{
	static struct child gone;

	for (int i = 0; i < c->count; i++) {
		struct child *child = &c->list[i];
		if (child->pid != pid)
			continue;
		fell(child, now_ms);
		if (!child->retiring)
			return child;
		gone = *child;
		memmove(child, child + 1, (size_t)(c->count - i - 1) * sizeof *child);
		c->count--;
		return &gone;
	}
	return NULL;
}

int children_running(const struct children *c, enum child_kind kind)
{
	int running = 0;

	for (int i = 0; i < c->count; i++)
		running += c->list[i].kind == kind && c->list[i].pid > 0;
	return running;
}

bool children_out(const struct children *c, enum child_kind kind, int64_t now_ms, int64_t wait_ms)
{
	for (int i = 0; i < c->count; i++)
		if (c->list[i].kind == kind && (c->list[i].pid > 0 || c->list[i].due_ms <= now_ms + wait_ms))
			return false;
	return true;
}

void children_signal(struct children *c, enum child_kind kind, int signal, bool retire)
{
	for (int i = c->count - 1; i >= 0; i--) {
		struct child *child = &c->list[i];
		if (child->kind != kind)
			continue;
		child->retiring |= retire;
		if (child->pid > 0) {
			kill(child->pid, signal);
		} else if (child->retiring) {
			memmove(child, child + 1, (size_t)(c->count - i - 1) * sizeof *child);
			c->count--;
		}
	}
}

void children_replace(struct children *c, enum child_kind kind, int signal, int64_t now_ms)
{
	int before = c->count;

	for (int i = 0; i < before; i++) {
		pid_t fresh;
		if (c->list[i].kind != kind || c->list[i].retiring)
			continue;
		if (c->list[i].pid == 0) { /* he waits for having died too often: a new program deserves a new chance */
			c->list[i].due_ms = now_ms;
			c->list[i].quick = 0;
			continue;
		}
		fresh = c->start(c->ctx, kind);
		if (fresh <= 0)
			continue;
		children_add(c, kind, 1);
		c->list[c->count - 1].pid = fresh;
		c->list[c->count - 1].started_ms = now_ms;
		c->list[i].retiring = true;
		kill(c->list[i].pid, signal);
	}
}
