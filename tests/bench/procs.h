/* CPU time and memory of the processes under test, by kind (lighttpd, api, hub, redis …), and of the load generator itself. */
#ifndef BENCH_PROCS_H
#define BENCH_PROCS_H

#include <stdbool.h>
#include <stddef.h>

enum { PROCS_AT_MOST = 64, PROCS_NAME = 16 };

struct procs {
	size_t n;
	struct proc {
		char kind[PROCS_NAME];
		int pid;
		double cpu_s; /* as of the last mark */
		long rss_kb;
	} at[PROCS_AT_MOST];
};

/* Reads "children" of a room.json: {"children":{"api":[pid,…],…}}. A path of NULL means nobody. Exits when unreadable. */
void procs_load(struct procs *p, const char *path);

/* Remembers CPU time and resident memory of each as they are now. */
void procs_mark(struct procs *p);

/* CPU seconds by kind since the mark: "lighttpd 4.31 · api 3.02 · …". Static buffer. */
const char *procs_cpu(const struct procs *p);

/* Resident memory since the mark, by kind, in KB: text as above and, in *total_kb, the sum of those that hold a stream (lighttpd, hub, redis). */
const char *procs_growth(const struct procs *p, long *total_kb);

#endif
