/* The seam for time: everything that reads a clock reads it here, so that tests can move it. Any thread; never blocks. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since the epoch. ROOM_TEST_CLOCK_MS (an offset, test builds only) moves it. */
int64_t clock_now_ms(void);

/* Milliseconds of a clock that never jumps, from an arbitrary start: for timers and deadlines inside one process. */
int64_t clock_mono_ms(void);

#endif
