/* The process's connections to Redis. Programs that have no event loop call store_open, which starts a reply thread per connection:
 * commands (sends and all other short scripts) and reads (history: big replies must not delay a send). Hubs drive their own (store/redis.h). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/err.h"
#include "store/redis.h"

enum err store_open(void) MUST_CHECK; /* ROOM_REDIS; connects in the background: calls made meanwhile wait for at most their deadline */
void store_close(void);

struct redis *store_commands(void);
struct redis *store_reads(void);

/* Whether Redis can be reached and takes writes, asked through the command connection; done(ctx, OK or ERR_STORE_UNAVAILABLE) on the reply thread. */
void store_ping(void (*done)(void *ctx, enum err e), void *ctx);

#endif
