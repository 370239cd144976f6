/* Files and processes: what is on tmpfs, who may open what, who could dump core. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "room/doctor.h"
#include "room/file.h"
#include "store/files.h"

static void scratch(struct patient *p)
{
	struct stat st;
	bool there = stat(p->place.scratch, &st) == 0;
	char *parent = strdup(p->place.scratch);
	bool memory;

	*strrchr(parent, '/') = '\0';
	memory = place_on_tmpfs(there ? p->place.scratch : parent);
	doctor_report(p, memory ? FINDING_FINE : FINDING_BAD, "scratch folder",
		memory ? NULL : "mount a tmpfs on /dev/shm, or put ROOM_STATE on one: request bodies and Redis's log must not reach a disk",
		"%s: %s", p->place.scratch, memory ? "on tmpfs" : "on a disk");
	free(parent);
}

/* Whether a folder takes a page: tried, since modes say nothing of full, read-only or foreign file systems. One that is not there yet is not missed. */
static void writable(struct patient *p, const char *folder, const char *check, const char *advice)
{
	char *path = place_path("%s/.doctor-XXXXXX", folder);
	char page[4096] = {0};
	struct stat st;
	int fd;
	bool good;

	if (stat(folder, &st) == 0) {
		fd = mkstemp(path);
		good = fd >= 0 && write(fd, page, sizeof page) == (ssize_t)sizeof page;
		if (good)
			doctor_report(p, FINDING_FINE, check, NULL, "%s", folder);
		else
			doctor_report(p, FINDING_BAD, check, advice, "%s: %s", folder, strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
	}
	free(path);
}

/* Nobody but the owner (and, for sockets, his group) may open it. */
static void closed(struct patient *p, const char *name, mode_t forbidden)
{
	char *path = place_path("%s%s%s", p->place.state, *name ? "/" : "", name), *advice;
	struct stat st;
	bool open;

	if (stat(path, &st) == 0) {
		open = st.st_mode & forbidden;
		advice = place_path("chmod %s %s", S_ISDIR(st.st_mode) ? "o-rwx" : "go-rwx", path);
		doctor_report(p,
			!open       ? FINDING_FINE
				: *name ? FINDING_BAD
						: FINDING_ADVICE,
			*name ? name : "state folder", open ? advice : NULL, "%s: mode %04o", path, (unsigned)(st.st_mode & 07777));
		free(advice);
	}
	free(path);
}

/* The soft limit of a process's core dumps in bytes, -1: unlimited, -2: cannot be read. */
static long core_limit(json_int_t pid)
{
	char *path = place_path("/proc/%lld/limits", (long long)pid), *text = file_read(path);
	char *line = text ? strstr(text, "Max core file size") : NULL;
	long limit = -2;

	if (line) {
		line += strlen("Max core file size");
		line += strspn(line, " ");
		limit = strncmp(line, "unlimited", 9) == 0 ? -1 : strtol(line, NULL, 10);
	}
	free(text);
	free(path);
	return limit;
}

static void core_dumps(struct patient *p)
{
	json_t *children = json_object_get(p->running, "children"), *pids, *pid;
	const char *kind;
	size_t i;
	int looked = 0, dumping = 0;

	json_object_foreach(children, kind, pids) json_array_foreach(pids, i, pid)
	{
		long limit = core_limit(json_integer_value(pid));
		looked += limit != -2;
		dumping += limit == -1 || limit > 1;
	}
	if (looked == 0)
		doctor_report(p, FINDING_SKIPPED, "core dumps", NULL, "nothing is running");
	else
		doctor_report(p, dumping ? FINDING_BAD : FINDING_FINE, "core dumps",
			dumping ? "set LimitCORE=1 for them: a core dump holds what people said" : NULL, "%d of %d processes could dump core", dumping,
			looked);
}

/* SQLite would make a file that is not there, and give it to whoever only looks. */
static bool database_there(void)
{
	char *address = db_address();
	bool there = strncmp(address, "sqlite:", 7) != 0 || access(address + 7, F_OK) == 0;

	free(address);
	return there;
}

/* What lies in a store can only be fetched and erased while it is set. */
static void outside(struct patient *p)
{
	bool set = *config_text("ROOM_S3_URL") != '\0';
	int64_t count = 0;
	struct db *d = NULL;

	if (database_there() && db_new(&d, NULL, DB_PATIENCE_MS) == OK && files_outside(d, &count) == OK && count > 0)
		doctor_report(p, set ? FINDING_FINE : FINDING_BAD, "files outside",
			set ? NULL : "set ROOM_S3_URL, and what belongs to it, until they are gone: nobody else can erase them",
			"%lld files lie in a store outside%s", (long long)count, set ? "" : ", and none is set");
	db_free(d);
}

void doctor_files(struct patient *p)
{
	static const char *const own[] = {"secret", "redis.sock", "room.json", "logs"};
	static const char *const shared[] = {"", "api.sock", "stream.sock", "tls.pem", "lighttpd.conf"};

	scratch(p);
	writable(p, p->place.state, "state writable", "make room there, give it to the user we run as, or choose another ROOM_STATE");
	writable(p, p->place.scratch, "scratch writable", "make room there (a larger tmpfs), or give it to the user we run as");
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		closed(p, own[i], 077);
	for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
		closed(p, shared[i], 007);
	core_dumps(p);
	outside(p);
}
