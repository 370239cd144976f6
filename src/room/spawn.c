/* Starts a program as a child: see spawn.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "room/spawn.h"

#define CLEAR_OF_LOW 64 /* descriptors are moved up here before they take their places, so that none is overwritten */

void spawn_prepare(pid_t parent)
{
	/* A core dump would hold what people said. 1, not 0: a program that core_pattern pipes into is run even at 0, and at 1 alone it isn't
	 * (Linux, fs/coredump.c); a file of one byte is never written. */
	struct rlimit none = {1, 1};
	sigset_t empty;

	setrlimit(RLIMIT_CORE, &none);
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	/* A group of its own: Ctrl-C is for us alone, who end the children in order. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* he died before prctl */
		_exit(1);
}

/* In the child. The program dies with it; what it says is dropped, and how it ends is not asked. */
static void run_first(char *const *argv)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		int answer[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (pipe2(answer, O_CLOEXEC) != 0 || write(answer[1], "y\n", 2) != 2)
			_exit(127);
		dup2(answer[0], 0);
		dup2(null, 1);
		dup2(null, 2);
		spawn_prepare(self);
		execv(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void become(const struct spawn *s, pid_t parent)
{
	int in = s->in >= 0 ? fcntl(s->in, F_DUPFD_CLOEXEC, CLEAR_OF_LOW) : open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = fcntl(s->out, F_DUPFD_CLOEXEC, CLEAR_OF_LOW);
	int moved[16];
	char number[16];
	const char *path = getenv("PATH");

	for (int i = 0; i < s->socket_count; i++)
		moved[i] = fcntl(s->sockets[i], F_DUPFD_CLOEXEC, CLEAR_OF_LOW);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (int i = 0; i < s->socket_count; i++)
		dup2(moved[i], 3 + i);

	if (s->bare) {
		char *kept = strdup(path ? path : "/usr/bin:/bin");
		clearenv();
		setenv("PATH", kept, 1);
		free(kept);
	}
	if (s->socket_count > 0) {
		snprintf(number, sizeof number, "%d", s->socket_count);
		setenv("LISTEN_FDS", number, 1);
		snprintf(number, sizeof number, "%d", (int)getpid());
		setenv("LISTEN_PID", number, 1);
	}
	/* Changing the user forgets the death signal, so that comes after. */
	if (s->account && !account_become(s->account)) {
		dprintf(2, "room: cannot become user %u: %s\n", (unsigned)s->account->uid, strerror(errno));
		_exit(127);
	}
	spawn_prepare(parent);
	if (s->first)
		run_first(s->first);
	execv(s->argv[0], s->argv);
	dprintf(2, "room: %s: %s\n", s->argv[0], strerror(errno));
	_exit(127);
}

pid_t spawn(const struct spawn *s)
{
	pid_t parent = getpid(), pid;

	if (s->socket_count > 16) {
		errno = EINVAL;
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become(s, parent);
	return pid;
}
