/* The processes that `room up` keeps alive: a table, who is due to start, what to do when one dies. Starting itself is the owner's. */
#ifndef ROOM_CHILDREN_H
#define ROOM_CHILDREN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum child_kind { CHILD_REDIS, CHILD_API, CHILD_HUB, CHILD_LIGHTTPD, CHILD_WORKER, CHILD_KINDS };

/* "redis", "api", "hub", "lighttpd", "worker": as room.json and the logs call them. */
const char *child_name(enum child_kind kind);

struct child {
	enum child_kind kind;
	pid_t pid;          /* 0: not running */
	int64_t started_ms; /* clock_mono_ms */
	int64_t due_ms;     /* when it is to start again */
	int quick;          /* deaths in a row, each soon after its start */
	bool retiring;      /* told to end; nobody takes its place */
};

struct children {
	struct child *list;
	int count;
	pid_t (*start)(void *ctx, enum child_kind kind); /* the pid, or -1 */
	void *ctx;
};

void children_init(struct children *c, pid_t (*start)(void *ctx, enum child_kind kind), void *ctx);
void children_done(struct children *c);
void children_add(struct children *c, enum child_kind kind, int count);

/* Starts who is due. Returns true when somebody was started. */
bool children_start(struct children *c, int64_t now_ms);

/* The earliest moment somebody is due, or -1. */
int64_t children_next(const struct children *c);

/* A pid that waitpid gave. NULL when it is none of ours, else the child, which is due again (at once, later when it keeps dying), or is gone
 * from the table when it was retiring (then the answer is a copy, valid until the next call). */
const struct child *children_died(struct children *c, pid_t pid, int64_t now_ms);

/* How many of a kind run (retiring ones too). */
int children_running(const struct children *c, enum child_kind kind);

/* True when nobody of this kind runs and nobody will within wait_ms: whoever comes should be told, not kept waiting. */
bool children_out(const struct children *c, enum child_kind kind, int64_t now_ms, int64_t wait_ms);

/* Tells everyone of a kind to end by this signal. retire: nobody takes their place. */
void children_signal(struct children *c, enum child_kind kind, int signal, bool retire);

/* Puts a fresh child of this kind beside each running one, and tells the old ones to end by this signal: those finish what they have. */
void children_replace(struct children *c, enum child_kind kind, int signal, int64_t now_ms);

#endif
