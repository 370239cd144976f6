/* Work that takes its time (a body that comes slowly, a file on its way to a store) on threads of their own, so that accepting and reply threads go on. */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include "base/err.h"

#define CREW_MOST 64     /* at work at once in this process */
#define CREW_NAME_MAX 80 /* bytes of a name */

/* fn(ctx) runs once, soon, on a thread that is nobody else's; it may block. ERR_STORE_UNAVAILABLE: all are at work, fn will not be called. Any thread. */
enum err crew_run(void (*fn)(void *ctx), void *ctx) MUST_CHECK;

/* The same on behalf of somebody, by a name of 1 to CREW_NAME_MAX bytes, of whose there are never more than most at work. + ERR_RATE_LIMITED: they are. */
enum err crew_run_for(const char *name, int most, void (*fn)(void *ctx), void *ctx) MUST_CHECK;

/* How many are at work now. Whoever ends the process while some are must not take away what they use. */
int crew_busy(void);

#endif
