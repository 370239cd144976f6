/* What the machine itself does to everything that runs on it, before anything of ours does: how long it takes one process to wake another, and how much
 * time goes missing while a program does nothing but look at the clock (another virtual machine had it, or an interrupt). Run first, with nothing else
 * running: no figure below these can be better than they allow. */
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "loop.h"

enum { ROUNDS = 20000, WATCHED_MOST = 64, WATCH_S = 5 };

/* ---- waking ---- */

static void answer(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
	_exit(0);
}

static void wake(struct hist *h)
{
	int pair[2];
	char c = 'x';
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || (child = fork()) < 0)
		err(2, "socketpair");
	if (child == 0) {
		close(pair[0]);
		answer(pair[1]);
	}
	close(pair[1]);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t begin = now_ns();
		if (write(pair[0], &c, 1) != 1 || read(pair[0], &c, 1) != 1)
			err(2, "socketpair");
		hist_add(h, now_ns() - begin);
	}
	close(pair[0]);
	waitpid(child, NULL, 0);
}

/* ---- missing time ---- */

struct watch {
	pthread_t thread;
	int core;
	uint64_t longest, missing, watched; /* ns; missing: in gaps of a millisecond and more */
};

static void *look(void *arg)
{
	struct watch *w = arg;
	cpu_set_t one;
	uint64_t begin, last, now;

	CPU_ZERO(&one);
	CPU_SET(w->core, &one);
	if (pthread_setaffinity_np(pthread_self(), sizeof one, &one) != 0)
		return NULL;
	begin = last = now_ns();
	while ((now = now_ns()) < begin + WATCH_S * SECOND) {
		uint64_t gap = now - last;
		if (gap > w->longest)
			w->longest = gap;
		if (gap >= MILLISECOND)
			w->missing += gap;
		last = now;
	}
	w->watched = now - begin;
	return NULL;
}

static void watch_all(struct watch *sum)
{
	static struct watch each[WATCHED_MOST];
	cpu_set_t ours;
	int n = 0;

	if (sched_getaffinity(0, sizeof ours, &ours) != 0)
		err(2, "cores");
	for (int core = 0; core < CPU_SETSIZE && n < WATCHED_MOST; core++) {
		if (!CPU_ISSET(core, &ours))
			continue;
		each[n].core = core;
		if (pthread_create(&each[n].thread, NULL, look, &each[n]) != 0)
			errx(2, "thread");
		n++;
	}
	for (int i = 0; i < n; i++) {
		pthread_join(each[i].thread, NULL);
		sum->missing += each[i].missing;
		sum->watched += each[i].watched;
		if (each[i].longest > sum->longest)
			sum->longest = each[i].longest;
	}
}

void scenario_machine(struct bench *b)
{
	struct watch all = {0};

	hist_init(&b->hist);
	wake(&b->hist);
	figure("the machine, nothing running: one process wakes another, and is woken", NULL, true, "p50 %.0f µs, p99 %.0f µs",
		(double)hist_share(&b->hist, .5) / 1e3, (double)hist_share(&b->hist, .99) / 1e3);
	watch_all(&all);
	figure("the same: time that goes missing from a program, in gaps of 1 ms and more", NULL, true, "%.2f %% (the longest %s)",
		all.watched ? 100.0 * (double)all.missing / (double)all.watched : 0, ms(all.longest));
}
