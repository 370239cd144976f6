/* Where passwords are hashed: HASHING_THREADS threads of this process, for each takes 64 MB and a core for a while; whoever comes meanwhile waits. Never on accepting, reply or
 * database threads. */
#ifndef CHAT_HASHING_H
#define CHAT_HASHING_H

#include <stdbool.h>
#include "base/err.h"

#define HASHING_THREADS 2
#define HASHING_MOST 128 /* may wait */
#define HASHING_PATIENCE_MS 8000

/* fn(ctx, true) on one of the threads; fn(ctx, false): it waited too long, or the process ends. ERR_STORE_UNAVAILABLE: too many wait, fn will not be called. Any thread; never
 * blocks. */
enum err hashing_run(void (*fn)(void *ctx, bool in_time), void *ctx) MUST_CHECK;

/* Lets those that run finish, tells those that wait, joins the threads. */
void hashing_close(void);

#endif
