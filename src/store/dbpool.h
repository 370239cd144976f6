/* A few threads with a connection to ROOM_DB each, for programs whose own threads must not block: the REST program's accepting and reply threads.
 *
 *     dbpool_open(config_number("ROOM_DB_THREADS"), 1024);
 *     …
 *     if (dbpool_run(write_ledger, job) != OK) reply(503)      // full: write_ledger is not called
 *
 *     static void write_ledger(struct db *d, void *ctx)        // on a pool thread; may block
 *     {
 *             enum err e = d ? ledger_open(d, …) : ERR_STORE_UNAVAILABLE;
 *             … answer the parked exchange with e, free ctx
 *     }
 */
#ifndef STORE_DBPOOL_H
#define STORE_DBPOOL_H

#include "base/err.h"
#include "store/db.h"

/* Once, before dbpool_run; starts nothing: threads start when there is work for them (so it may be called before a fork). */
void dbpool_open(int threads, int most_waiting);

/* fn(d, ctx) is called exactly once, on a thread of the pool: with d NULL when its turn came too late (after DB_PATIENCE_MS) or the pool is closing.
 * d is fn's until it returns. ERR_STORE_UNAVAILABLE: too many are waiting, or no thread could start; fn will not be called. Any thread; never blocks. */
enum err dbpool_run(void (*fn)(struct db *d, void *ctx), void *ctx) MUST_CHECK;

/* The same for a thread that may block itself: runs fn on the pool and returns what it said, or ERR_STORE_UNAVAILABLE when its turn came too late. */
enum err dbpool_wait(enum err (*fn)(struct db *d, void *ctx), void *ctx) MUST_CHECK;

/* How many wait now. */
int dbpool_waiting(void);

/* Lets those that run finish, tells those that wait (d NULL), and joins the threads. */
void dbpool_close(void);

#endif
