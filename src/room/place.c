/* Where things are: see place.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/id.h"
#include "room/command.h"
#include "room/place.h"
#include "store/vault.h"

#define PLACE_FILES_MOST 300 /* with a conversation and an id behind it, it must fit into VAULT_PATH */

char *place_path(const char *format, ...)
{
	va_list args;
	char *path;

	va_start(args, format);
	if (vasprintf(&path, format, args) < 0)
		abort();
	va_end(args);
	return path;
}

char *place_program(const char *name)
{
	const char *path = getenv("PATH");
	char *all = place_path("%s:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin", path ? path : "/usr/bin");
	char *found = NULL, *rest = all, *dir;

	while (!found && (dir = strsep(&rest, ":"))) {
		char *candidate = place_path("%s/%s", dir, name);
		if (*dir == '/' && access(candidate, X_OK) == 0)
			found = candidate;
		else
			free(candidate);
	}
	free(all);
	return found;
}

bool place_on_tmpfs(const char *path)
{
	return vault_on_tmpfs(path);
}

/* The first of the two paths that exists, as an absolute path; frees both. */
static char *first_there(char *a, char *b)
{
	char *found = realpath(a, NULL);

	if (!found)
		found = realpath(b, NULL);
	free(a);
	free(b);
	return found;
}

/* realpath for a path whose last parts may not exist yet. */
static char *absolute(const char *path)
{
	char *real = realpath(path, NULL), *copy, *parent, *slash;

	if (real || errno != ENOENT)
		return real;
	copy = strdup(path);
	if (!copy)
		abort();
	while (strlen(copy) > 1 && copy[strlen(copy) - 1] == '/')
		copy[strlen(copy) - 1] = '\0';
	slash = strrchr(copy, '/');
	if (slash == copy || strcmp(copy, ".") == 0 || strcmp(copy, "..") == 0) {
		parent = strdup("");
	} else {
		if (slash)
			*slash = '\0';
		parent = absolute(slash ? copy : ".");
	}
	if (parent)
		real = place_path("%s/%s", parent, slash ? slash + 1 : copy);
	free(parent);
	free(copy);
	return real;
}

/* Programs lie beside this one (a build folder) or in ../lib/reading-room (installed); files in .. or in ../share/reading-room. */
static bool find_ours(struct place *p)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	char *there;

	if (len <= 0)
		return command_failed("/proc/self/exe: %s", strerror(errno)), false;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	there = first_there(place_path("%s/api.fcgi", self), place_path("%s/../lib/reading-room/api.fcgi", self));
	if (!there)
		return command_failed("api.fcgi is neither in %s nor in %s/../lib/reading-room", self, self), false;
	*strrchr(there, '/') = '\0';
	p->programs = there;
	there = first_there(place_path("%s/../lighttpd.conf", self), place_path("%s/../share/reading-room/lighttpd.conf", self));
	if (!there)
		return command_failed("lighttpd.conf is neither in %s/.. nor in %s/../share/reading-room", self, self), false;
	*strrchr(there, '/') = '\0';
	p->share = there;
	return true;
}

/* A name that two state folders do not share and that a later start finds again: what a killed service left in memory is taken over. */
static char *scratch_of(const char *state, bool *memory)
{
	char *parent = strdup(state), *scratch;

	if (!parent)
		abort();
	while (strlen(parent) > 1 && access(parent, F_OK) != 0)
		*strrchr(parent, '/') = '\0';
	*memory = true;
	if (place_on_tmpfs(*parent ? parent : "/"))
		scratch = place_path("%s/scratch", state);
	else if (place_on_tmpfs("/dev/shm") && access("/dev/shm", W_OK) == 0)
		scratch = place_path("/dev/shm/room-%u-%016llx", (unsigned)geteuid(), (unsigned long long)id_fnv(state, strlen(state)));
	else
		scratch = (*memory = false, place_path("%s/scratch", state));
	free(parent);
	return scratch;
}

bool place_find(struct place *p)
{
	const char *web = config_text("ROOM_WEB"), *state = config_text("ROOM_STATE"), *files = config_text("ROOM_FILES");

	bool memory;

	*p = (struct place){0};
	if (!find_ours(p))
		goto failed;
	p->web = *web ? realpath(web, NULL) : place_path("%s/web", p->share);
	if (!p->web) {
		command_failed("ROOM_WEB=%s: %s", web, strerror(errno));
		goto failed;
	}
	p->state = absolute(state);
	if (!p->state) {
		command_failed("ROOM_STATE=%s: %s", state, strerror(errno));
		goto failed;
	}
	/* The longest of the unix sockets there must fit into sun_path (108 bytes), and no path may break lighttpd's quoting. */
	if (strlen(p->state) > 107 - strlen("/stream.sock")) {
		command_failed("ROOM_STATE=%s: too long for unix sockets (at most 95 bytes)", p->state);
		goto failed;
	}
	p->files = *files ? absolute(files) : place_path("%s/files", p->state);
	if (!p->files || strlen(p->files) > PLACE_FILES_MOST) {
		command_failed("ROOM_FILES=%s: %s", files, p->files ? "too long" : strerror(errno));
		goto failed;
	}
	if (strpbrk(p->files, "\"\\\n$") || strpbrk(p->state, "\"\\\n$") || strpbrk(p->web, "\"\\\n$") || strpbrk(p->share, "\"\\\n$")) {
		command_failed("paths with quotes, dollars, backslashes or line ends cannot be used");
		goto failed;
	}
	p->scratch = scratch_of(p->state, &memory);
	p->memory = memory ? place_path("%s/files", p->scratch) : place_path("%s", "");
	return true;
failed:
	place_done(p);
	return false;
}

void place_done(struct place *p)
{
	free(p->programs);
	free(p->share);
	free(p->web);
	free(p->state);
	free(p->scratch);
	free(p->files);
	free(p->memory);
	*p = (struct place){0};
}

/* mkdir -p; only the last one gets the mode, which an existing folder of ours keeps as it is. */
static bool make_folders(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	struct stat st;
	bool good;

	if (!copy)
		abort();
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	free(copy);
	good = mkdir(path, mode) == 0 || errno == EEXIST;
	if (good && (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
		good = false;
		errno = ENOTDIR;
	}
	if (!good)
		command_failed("%s: %s", path, strerror(errno));
	return good;
}

/* In /dev/shm anybody may have taken the name: it must be a folder of ours, closed to others. */
static bool make_own(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return command_failed("%s: %s", path, strerror(errno)), false;
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || (st.st_uid != geteuid() && geteuid() != 0) || (st.st_mode & 022))
		return command_failed("%s is not a folder of our own", path), false;
	return true;
}

bool place_make(const struct place *p)
{
	char *logs = place_path("%s/logs", p->state), *redis = place_path("%s/redis", p->scratch),
		 *upload = place_path("%s/upload", p->scratch);
	bool good = make_folders(p->state, 0700) && make_folders(logs, 0700) && make_own(p->scratch, 0700) && make_own(redis, 0700) &&
		make_own(upload, 0700) && make_folders(p->files, 0700) && (!*p->memory || make_own(p->memory, 0700));

	free(logs);
	free(redis);
	free(upload);
	return good;
}

void place_publish_files(const struct place *p)
{
	setenv("ROOM_FILES", p->files, 1);
	if (*p->memory)
		setenv("ROOM_FILES_MEMORY", p->memory, 1);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	remove(path);
	return 0;
}

static int remove_empty(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (kind == FTW_DP)
		rmdir(path);
	return 0;
}

void place_remove(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void place_remove_scratch(const struct place *p, bool all)
{
	if (!all) { /* the note of whose it is (sweep.c) is worth nothing alone */
		char *redis = place_path("%s/redis", p->scratch), *owner = place_path("%s/owner", p->scratch);
		if (rmdir(redis) == 0)
			unlink(owner);
		free(redis);
		free(owner);
	}
	if (all)
		place_remove(p->scratch);
	else
		nftw(p->scratch, remove_empty, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
