/* The two clocks. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static int64_t read_ms(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#ifdef ROOM_TEST
static int64_t moved_ms(void)
{
	const char *offset = getenv("ROOM_TEST_CLOCK_MS");

	return offset ? strtoll(offset, NULL, 10) : 0;
}
#else
static int64_t moved_ms(void)
{
	return 0;
}
#endif

int64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME) + moved_ms();
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}
