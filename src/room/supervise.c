/* The loop of `room up`: one thread, one epoll, signals as a descriptor. Starts what is due, restarts what died, ends all in order. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "room/command.h"
#include "room/up.h"

#define HOPELESS 5           /* quick deaths in a row before the first ready that make us give up */
#define OUTAGE_MS 250        /* a kind that stays away longer has its callers turned away */
#define HANDLERS_END_MS 2200 /* all ends add up to less than 5 s */
#define LIGHTTPD_END_MS 600
#define WORKER_END_MS 1200 /* at least: what was erased just now is to be accounted for */
#define REDIS_END_MS 1200

/* What a wait status says, for people. */
static void say_death(const struct child *c, pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "room: %s (pid %d) was killed by signal %d (%s)", child_name(c->kind), (int)pid, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "room: %s (pid %d) ended with code %d", child_name(c->kind), (int)pid, WEXITSTATUS(status));
	if (c->due_ms > clock_mono_ms())
		fprintf(stderr, "; next try in %.1f s\n", (double)(c->due_ms - clock_mono_ms()) / 1000);
	else
		fputs("; starting it again\n", stderr);
}

/* Before the first ready, dying over and over means that something is set wrong: better an end than a loop. */
static bool hopeless(const struct up *u, const struct child *c)
{
	if (u->ready || c->quick < HOPELESS)
		return false;
	command_failed("%s keeps ending: %s/logs/%s.log says why", child_name(c->kind), u->place.state, child_name(c->kind));
	return true;
}

/* Collects who died. False when we should end, unsuccessfully. */
static bool reap(struct up *u, bool ending)
{
	bool changed = false, go_on = true;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		const struct child *c;
		if (pid == u->announcer) {
			u->announcer = 0;
			u->ready = changed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
			go_on &= u->ready || ending;
			continue;
		}
		c = children_died(&u->children, pid, clock_mono_ms());
		if (!c)
			continue;
		changed = true;
		if (!c->retiring && !ending) {
			say_death(c, pid, status);
			go_on &= !hopeless(u, c);
		}
	}
	if (changed && !ending) {
		children_start(&u->children, clock_mono_ms());
		status_write(u);
	}
	return go_on;
}

/* Nobody of this kind is there to accept: lighttpd answers 503 at once when we hang up, and would wait when we didn't. */
static void turn_away(struct up *u, enum child_kind kind)
{
	struct pollfd p = {.fd = u->sockets[kind], .events = POLLIN};
	int fd;

	while (poll(&p, 1, 0) == 1 && (fd = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

static void watch(const struct up *u, int fd, bool on)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	epoll_ctl(u->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &e);
}

/* Listens in place of a kind that is out, and stops when somebody of it is back. */
static void stand_in(struct up *u, bool standing[CHILD_KINDS])
{
	int64_t now = clock_mono_ms();

	for (enum child_kind kind = CHILD_API; kind <= CHILD_HUB; kind++) {
		bool out = children_out(&u->children, kind, now, OUTAGE_MS);
		if (out != standing[kind])
			watch(u, u->sockets[kind], standing[kind] = out);
	}
}

/* New processes take over the sockets, old ones finish what they have: nobody is turned away. Redis stays. */
static void reload(struct up *u)
{
	int64_t now = clock_mono_ms();

	fputs("room: reloading\n", stderr);
	children_replace(&u->children, CHILD_API, SIGTERM, now);
	children_replace(&u->children, CHILD_HUB, SIGTERM, now);
	children_replace(&u->children, CHILD_LIGHTTPD, SIGINT, now);
	children_replace(&u->children, CHILD_WORKER, SIGTERM, now);
	status_write(u);
}

/* Waits for one signal, at most until deadline. False when time is up. lighttpd's log goes on meanwhile: a full pipe would stop it. */
static bool next_signal(struct up *u, int64_t deadline, struct signalfd_siginfo *info)
{
	struct pollfd p[] = {{.fd = u->signals, .events = POLLIN}, {.fd = u->scrub.from, .events = POLLIN}};
	int64_t left;

	while ((left = deadline - clock_mono_ms()) > 0 && poll(p, 2, (int)left) >= 0) {
		if (p[1].revents)
			scrub_pump(&u->scrub);
		if (p[0].revents && read(u->signals, info, sizeof *info) == sizeof *info)
			return true;
	}
	return false;
}

/* Waits until nobody of these kinds runs, then kills who still does. A second Ctrl-C cuts the wait short. */
static void wait_end(struct up *u, enum child_kind first, enum child_kind last, int within_ms)
{
	int64_t deadline = clock_mono_ms() + within_ms;
	struct signalfd_siginfo info;

	for (int kills = 0; kills < 2; kills++) {
		for (;;) {
			int running = 0;
			reap(u, true);
			for (enum child_kind kind = first; kind <= last; kind++)
				running += children_running(&u->children, kind);
			if (running == 0)
				return;
			if (!next_signal(u, deadline, &info))
				break;
			if (info.ssi_signo == SIGINT)
				deadline = 0;
		}
		for (enum child_kind kind = first; kind <= last; kind++)
			children_signal(&u->children, kind, SIGKILL, true);
		deadline = clock_mono_ms() + 500;
	}
}

/* lighttpd stops accepting, the handlers finish and end their streams, lighttpd passes the last bytes on, the worker keeps account of what they did, Redis goes
 * last. */
static void end_all(struct up *u)
{
	int64_t begun = clock_mono_ms(), left;

	if (u->announcer > 0)
		kill(u->announcer, SIGKILL);
	listen_tcp_close(&u->tcp);
	children_signal(&u->children, CHILD_LIGHTTPD, SIGINT, true);
	children_signal(&u->children, CHILD_API, SIGTERM, true);
	children_signal(&u->children, CHILD_HUB, SIGTERM, true);
	wait_end(u, CHILD_API, CHILD_HUB, HANDLERS_END_MS);
	children_signal(&u->children, CHILD_LIGHTTPD, SIGTERM, true);
	children_signal(&u->children, CHILD_WORKER, SIGTERM, true);
	left = HANDLERS_END_MS + LIGHTTPD_END_MS - (clock_mono_ms() - begun);
	wait_end(u, CHILD_LIGHTTPD, CHILD_WORKER, left > WORKER_END_MS ? (int)left : WORKER_END_MS);
	children_signal(&u->children, CHILD_REDIS, SIGTERM, true);
	wait_end(u, CHILD_REDIS, CHILD_REDIS, REDIS_END_MS);
	scrub_pump(&u->scrub);
}

/* Reads the signals that came. False when one of them says to end; *code then. */
static bool obey(struct up *u, int *code)
{
	struct signalfd_siginfo info;
	bool died = false;

	while (read(u->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
			*code = EXIT_SUCCESS;
			return false;
		}
		if (info.ssi_signo == SIGHUP)
			reload(u);
		died |= info.ssi_signo == SIGCHLD;
	}
	if (died && !reap(u, false)) {
		*code = EXIT_FAILURE;
		return false;
	}
	return true;
}

int supervise(struct up *u)
{
	bool standing[CHILD_KINDS] = {false}, running = true;
	int code = EXIT_SUCCESS;

	watch(u, u->signals, true);
	watch(u, u->scrub.from, true);
	children_start(&u->children, clock_mono_ms());
	status_write(u);
	u->announcer = announce(u);
	while (running) {
		struct epoll_event events[8];
		int64_t next = children_next(&u->children), now = clock_mono_ms();
		int n;

		stand_in(u, standing);
		n = epoll_wait(u->epoll, events, 8, next < 0 ? -1 : next <= now ? 0 : (int)(next - now) + 1);
		for (int i = 0; i < n && running; i++) {
			if (events[i].data.fd == u->signals)
				running = obey(u, &code);
			else if (events[i].data.fd == u->scrub.from)
				scrub_pump(&u->scrub);
			else
				turn_away(u, events[i].data.fd == u->sockets[CHILD_API] ? CHILD_API : CHILD_HUB);
		}
		if (running && children_start(&u->children, clock_mono_ms()))
			status_write(u);
	}
	end_all(u);
	return code;
}
