/* The connection under redis.c: made, greeted, written to, read from, dropped. Internal to store/redis*. All with the lock held; nothing blocks. */
#ifndef STORE_REDIS_LINK_H
#define STORE_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <pthread.h>

#include "store/redis_address.h"
#include "store/redis_call.h"
#include "store/redis_lookup.h"

enum {
	TIMEOUT_MS = 2000, /* reliability.md §2 row 10: an answer within 2 s, good or bad */
	RETRY_LEAST_MS = 20,
	SHA_LEN = 40,
	SCRIPTS_MOST = 96,
};

enum state { DOWN, CONNECTING, GREETING, UP };

struct redis {
	struct redis_address address;
	pthread_mutex_t lock;
	enum state state;
	redisContext *context;
	struct lookup *lookup; /* of the host's name, under way */
	struct queue sent;     /* written (or in hiredis' buffer), oldest first */
	struct queue waiting;  /* no connection yet */
	struct queue answered; /* to be handed to their owners, outside the lock */
	int64_t retry_at;
	int retry_ms;
	size_t greeting_left; /* replies the greeting still waits for */
	size_t scripts_seen;
	char sha[SCRIPTS_MOST][SHA_LEN + 1];
	bool writing; /* hiredis' buffer is not empty */
	bool threaded;
	bool stopping;
	unsigned generation;
	int64_t heard_at; /* clock_mono_ms of the last reply */
	bool unread;      /* link_read took as much as it may at once: there is more */
	int wake_fd;
	pthread_t thread;
};

void link_connect(struct redis *r);             /* begins to; the greeting (scripts, PING) follows by itself */
void link_finish(struct redis *r);              /* while CONNECTING: looks whether it is there */
void link_put(struct redis *r, struct call *c); /* while UP */
void link_write(struct redis *r);
void link_read(struct redis *r); /* whoever was answered goes to r->answered */
/* Whoever was written goes to r->answered without an answer. reason: for the log. */
void link_drop(struct redis *r, const char *reason);

#endif
