/* Failpoints of test builds: see failpoint.h. */
#include "base/failpoint.h"

#ifdef ROOM_TEST
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint(const char *name)
{
	static atomic_long passed;
	const char *set = getenv("ROOM_TEST_FAILPOINT"), *how, *at;
	size_t len = strlen(name);

	if (!set || strncmp(set, name, len) != 0 || set[len] != ':')
		return;
	how = set + len + 1;
	at = strchr(how, '@');
	if (atomic_fetch_add(&passed, 1) + 1 < (at ? atol(at + 1) : 1))
		return;
	if (strncmp(how, "kill", 4) == 0)
		kill(getpid(), SIGKILL);
	while (strncmp(how, "stall", 5) == 0)
		pause();
}
#else
typedef int failpoint_unused; /* ISO C wants something in every file */
#endif
