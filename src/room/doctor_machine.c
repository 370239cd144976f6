/* The machine: descriptors, kernel settings, swap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "room/doctor.h"
#include "room/file.h"
#include "room/listen.h"

/* The number in a file of /proc, or -1. */
static long number_in(const char *path)
{
	char *text = file_read(path);
	long n = text && *text ? strtol(text, NULL, 10) : -1;

	free(text);
	return n;
}

static void descriptors(struct patient *p)
{
	struct rlimit limit;
	long most;

	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_max > 60000 ? 60000 : (long)limit.rlim_max;
	/* A stream takes two in lighttpd, which stops accepting at 90 %. */
	doctor_report(p,
		most < 4096        ? FINDING_BAD
			: most < 20000 ? FINDING_ADVICE
						   : FINDING_FINE,
		"descriptors",
		most < 20000 ? "raise the hard limit to 20000 or more (LimitNOFILE= of the systemd unit, /etc/security/limits.conf)" : NULL,
		"hard limit %ld: about %ld streams per lighttpd worker", (long)limit.rlim_max, most * 9 / 20);
}

static void kernel(struct patient *p)
{
	long somaxconn = number_in("/proc/sys/net/core/somaxconn"), retries = number_in("/proc/sys/net/ipv4/tcp_retries2");
	long overcommit = number_in("/proc/sys/vm/overcommit_memory");

	if (somaxconn < 0)
		doctor_report(p, FINDING_SKIPPED, "somaxconn", NULL, "/proc/sys/net/core/somaxconn cannot be read");
	else
		doctor_report(p,
			somaxconn < 4096                 ? FINDING_BAD
				: somaxconn < LISTEN_BACKLOG ? FINDING_ADVICE
											 : FINDING_FINE,
			"somaxconn",
			somaxconn < LISTEN_BACKLOG
				? "sysctl net.core.somaxconn=16384: it cuts our backlog of that many, and a full one turns connections away"
				: NULL,
			"%ld", somaxconn);
	if (retries < 0)
		doctor_report(p, FINDING_SKIPPED, "tcp_retries2", NULL, "/proc/sys/net/ipv4/tcp_retries2 cannot be read");
	else
		doctor_report(p, retries > 8 ? FINDING_ADVICE : FINDING_FINE, "tcp_retries2",
			retries > 8
				? "sysctl net.ipv4.tcp_retries2=8: a client whose network vanished keeps his place for some 100 s instead of 15 minutes"
				: NULL,
			"%ld", retries);
	if (overcommit >= 0 && p->redis)
		doctor_report(p, overcommit != 1 ? FINDING_ADVICE : FINDING_FINE, "overcommit_memory",
			overcommit != 1 ? "sysctl vm.overcommit_memory=1: else Redis may fail to rewrite its log when memory is short" : NULL, "%ld",
			overcommit);
}

/* Swap puts memory, and so what people say, on a disk (zram aside). */
static void swap(struct patient *p)
{
	char *text = file_read("/proc/swaps"), *rest = text, *line;
	int disks = 0, all = 0;

	if (!text) {
		doctor_report(p, FINDING_SKIPPED, "swap", NULL, "/proc/swaps cannot be read");
		return;
	}
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")))
		if (*line) {
			all++;
			disks += strncmp(line, "/dev/zram", 9) != 0;
		}
	doctor_report(p, disks ? FINDING_ADVICE : FINDING_FINE, "swap",
		disks ? "swapoff -a, or encrypt it with a key made at boot: what is said must not reach a disk" : NULL, "%s",
		disks     ? "on"
			: all ? "in memory only (zram)"
				  : "off");
	free(text);
}

void doctor_machine(struct patient *p)
{
	descriptors(p);
	kernel(p);
	swap(p);
}
