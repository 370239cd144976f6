/* Removing files, and looking for those that nobody needs: see vault.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/vault.h"

enum { BODY_MOST_S = 3600 }; /* lighttpd has given up a request body long before */

bool vault_remove(enum vault in, const char *conversation, const char *id)
{
	char path[VAULT_PATH];
	bool good;

	vault_path(path, in, conversation, id);
	good = unlink(path) == 0 || errno == ENOENT;
	*strrchr(path, '/') = '\0';
	rmdir(path); /* the last one */
	return good;
}

void vault_each_file(enum vault in, const char *conversation, void (*each)(void *ctx, const char *id, int64_t changed_at), void *ctx)
{
	char path[VAULT_PATH];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	vault_path(path, in, conversation, "");
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (id_valid(entry->d_name, strlen(entry->d_name)) && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			each(ctx, entry->d_name, (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000);
	if (dir)
		closedir(dir);
}

void vault_each(enum vault in, void (*each)(void *ctx, const char *conversation), void *ctx)
{
	const char *folder = vault_folder(in);
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (id_valid(entry->d_name, strlen(entry->d_name)))
			each(ctx, entry->d_name);
	if (dir)
		closedir(dir);
}

bool vault_remove_all(enum vault in, const char *conversation)
{
	char path[VAULT_PATH];
	struct dirent *entry;
	bool good = true;
	DIR *dir;

	vault_path(path, in, conversation, "");
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			good &= unlinkat(dirfd(dir), entry->d_name, 0) == 0 || errno == ENOENT;
	closedir(dir);
	return (rmdir(path) == 0 || errno == ENOENT) && good;
}

/* Files of the folder that old() chooses. */
static int remove_some(const char *path, bool (*old)(int folder, const char *name))
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int removed = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_REG && old(dirfd(dir), entry->d_name))
			removed += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
	if (dir)
		closedir(dir);
	return removed;
}

static int64_t age_s(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? time(NULL) - st.st_ctime : 0;
}

/* Nobody holds its lock any more. A moment old at least: between being made and being locked there is one. */
static bool is_left(int folder, const char *name)
{
	int fd = age_s(folder, name) >= 2 ? openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	bool left = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (fd >= 0)
		close(fd);
	return left;
}

static bool is_stale_body(int folder, const char *name)
{
	return strncmp(name, "lighttpd-upload-", 16) == 0 && age_s(folder, name) > BODY_MOST_S;
}

int vault_sweep(enum vault in)
{
	const char *folder = vault_folder(in);
	char path[VAULT_PATH];
	int removed;

	if (!folder)
		return 0;
	snprintf(path, sizeof path, "%s/.new", folder);
	removed = remove_some(path, is_left);
	if (in == VAULT_MEMORY) {
		snprintf(path, sizeof path, "%s/../upload", folder);
		removed += remove_some(path, is_stale_body);
	}
	return removed;
}
