/* What services that were killed left in memory: see sweep.h. What people said must not stay there until the next boot. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room/file.h"
#include "room/sweep.h"

#define MEMORY "/dev/shm"
#define OWNER "owner" /* file in a scratch folder: the path of its state folder */

static int claimed = -1; /* our own owner file: locked as long as this process lives */

void sweep_claim(const struct place *p)
{
	char *path = place_path("%s/" OWNER, p->scratch);

	(void)!file_replace(path, p->state, strlen(p->state));
	claimed = open(path, O_RDONLY | O_CLOEXEC);
	if (claimed >= 0)
		(void)flock(claimed, LOCK_EX | LOCK_NB);
	free(path);
}

/* Does a living process hold the folder? It may be one whose state folder we don't see (a container that shares this memory). */
static bool held(const char *owner_path)
{
	int fd = open(owner_path, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

	if (fd >= 0)
		close(fd);
	return locked;
}

/* True when the folder says whose it is, that one's state folder is gone, and nobody lives in it. */
static bool orphaned(const char *scratch)
{
	char *path = place_path("%s/" OWNER, scratch), *owner, *lock;
	struct stat st;
	bool gone;

	owner = lstat(scratch, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() ? file_read(path) : NULL;
	lock = place_path("%s/room.lock", owner ? owner : "");
	gone = owner && *owner == '/' && access(lock, F_OK) != 0 && !held(path);
	free(lock);
	free(owner);
	free(path);
	return gone;
}

void sweep_orphans(void)
{
	char *ours = place_path("room-%u-", (unsigned)geteuid());
	DIR *dir = opendir(MEMORY);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct place one = {.scratch = place_path(MEMORY "/%s", entry->d_name)};
		if (strncmp(entry->d_name, ours, strlen(ours)) == 0 && orphaned(one.scratch))
			place_remove_scratch(&one, true);
		place_done(&one);
	}
	if (dir)
		closedir(dir);
	free(ours);
}
