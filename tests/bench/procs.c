/* Accounting of the processes under test; see procs.h. Reads /proc. */
#include <err.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "procs.h"

static void add(struct procs *p, const char *kind, int pid)
{
	if (p->n == PROCS_AT_MOST)
		errx(2, "more than %d processes", PROCS_AT_MOST);
	p->at[p->n].pid = pid;
	snprintf(p->at[p->n++].kind, PROCS_NAME, "%s", kind);
}

void procs_load(struct procs *p, const char *path)
{
	json_error_t error;
	json_t *file = NULL, *pids;
	const char *kind;

	*p = (struct procs){0};
	add(p, "load", getpid());
	if (!path)
		return;
	file = json_load_file(path, 0, &error);
	if (!file)
		errx(2, "%s: %s", path, error.text);
	json_object_foreach(json_object_get(file, "children"), kind, pids)
	{
		size_t i;
		json_t *pid;
		json_array_foreach(pids, i, pid) add(p, kind, (int)json_integer_value(pid));
	}
	json_decref(file);
}

static double cpu_of(int pid)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	size_t len = f ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f)
		fclose(f);
	text[len] = '\0';
	const char *after_name = strrchr(text, ')');
	if (after_name)
		sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static long rss_of(int pid)
{
	char path[64], line[256];
	long kb = 0;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Rss: %ld kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

void procs_mark(struct procs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->at[i].cpu_s = cpu_of(p->at[i].pid);
		p->at[i].rss_kb = rss_of(p->at[i].pid);
	}
}

/* The sum of one kind, told at the first of that kind only. */
static bool first_of_kind(const struct procs *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->at[k].kind, p->at[i].kind) == 0)
			return false;
	return true;
}

const char *procs_cpu(const struct procs *p)
{
	static char text[512];
	size_t len = 0;
	text[0] = '\0';
	for (size_t i = 0; i < p->n; i++) {
		double sum = 0;
		if (!first_of_kind(p, i))
			continue;
		for (size_t k = i; k < p->n; k++)
			if (strcmp(p->at[k].kind, p->at[i].kind) == 0)
				sum += cpu_of(p->at[k].pid) - p->at[k].cpu_s;
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %.2f", len ? " · " : "", p->at[i].kind, sum);
		if (len >= sizeof text)
			break;
	}
	return text;
}

const char *procs_growth(const struct procs *p, long *total_kb)
{
	static char text[512];
	size_t len = 0;
	*total_kb = 0;
	text[0] = '\0';
	for (size_t i = 0; i < p->n && len < sizeof text; i++) {
		long sum = 0;
		if (!first_of_kind(p, i) || strcmp(p->at[i].kind, "load") == 0)
			continue;
		for (size_t k = i; k < p->n; k++)
			if (strcmp(p->at[k].kind, p->at[i].kind) == 0)
				sum += rss_of(p->at[k].pid) - p->at[k].rss_kb;
		if (strcmp(p->at[i].kind, "lighttpd") == 0 || strcmp(p->at[i].kind, "hub") == 0 || strcmp(p->at[i].kind, "redis") == 0)
			*total_kb += sum;
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %ld", len ? " · " : "", p->at[i].kind, sum);
	}
	return text;
}
