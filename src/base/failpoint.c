/* Failpoints of test builds: see failpoint.h. */
#include "base/failpoint.h"

#ifdef ROOM_TEST
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the file says. false: there is none, or another process was quicker. */
static bool armed(const char *file, const char *name, char *out, size_t size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;
	size_t len = strlen(name);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	out[n] = '\0';
	return strncmp(out, name, len) == 0 && out[len] == ':' && unlink(file) == 0;
}

static void hold(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		abort();
	close(fd);
	while (access(file, F_OK) == 0)
		usleep(2000);
}

void failpoint(const char *name)
{
	static atomic_long passed;
	const char *set = getenv("ROOM_TEST_FAILPOINT"), *how, *at;
	size_t len = strlen(name);
	char once[512];

	if (set && *set == '@')
		set = armed(set + 1, name, once, sizeof once) ? once : NULL;
	if (!set || strncmp(set, name, len) != 0 || set[len] != ':')
		return;
	how = set + len + 1;
	at = strchr(how, '@');
	if (atomic_fetch_add(&passed, 1) + 1 < (at ? atol(at + 1) : 1))
		return;
	if (strncmp(how, "hold=", 5) == 0)
		hold(how + 5);
	if (strncmp(how, "kill", 4) == 0)
		kill(getpid(), SIGKILL);
	if (strncmp(how, "stop", 4) == 0)
		raise(SIGSTOP);
	while (strncmp(how, "stall", 5) == 0)
		pause();
}
#else
typedef int failpoint_unused; /* ISO C wants something in every file */
#endif
