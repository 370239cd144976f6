/* See vault.h: a file from its first byte to its place. Removing and looking through are in vault_sweep.c. */
#include "store/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/config.h"
#include "base/failpoint.h"

#define MB (INT64_C(1) << 20)
#define LEFT_FREE (64 * MB) /* of the file system, or a quarter of a small one: in memory Redis lives there, too */

bool vault_on_tmpfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

const char *vault_folder(enum vault in)
{
	const char *folder = config_text(in == VAULT_MEMORY ? "ROOM_FILES_MEMORY" : "ROOM_FILES");

	if (!*folder || (in == VAULT_MEMORY && !vault_on_tmpfs(folder)))
		return NULL;
	return folder;
}

void vault_path(char out[VAULT_PATH], enum vault in, const char *conversation, const char *id)
{
	const char *folder = vault_folder(in);

	snprintf(out, VAULT_PATH, "%s/%s/%s", folder ? folder : "/nonexistent", conversation, id);
}

/* Who may read: us; and lighttpd, where `room up` gave the folder to the group of lighttpd's user, which files inherit. */
static mode_t mode_of(const char *folder)
{
	struct stat st;

	return stat(folder, &st) == 0 && (st.st_mode & S_ISGID) ? 0640 : 0600;
}

static bool make_folder(const char *path, const char *like)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST;
	return mode_of(like) == 0600 || chmod(path, 02710) == 0;
}

/* ---- room ---- */

static __thread int64_t counted;

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (kind == FTW_F)
		counted += (int64_t)st->st_blocks * 512;
	return 0;
}

static bool has_room(enum vault in, const char *folder, int64_t most)
{
	struct statvfs fs;
	int64_t left;

	if (statvfs(folder, &fs) != 0)
		return false;
	left = (int64_t)(fs.f_blocks * fs.f_frsize) / 4;
	if ((int64_t)(fs.f_bavail * fs.f_frsize) < most + (left < LEFT_FREE ? left : LEFT_FREE))
		return false;
	if (in != VAULT_MEMORY)
		return true;
	counted = 0;
	nftw(folder, count_one, 16, FTW_PHYS | FTW_MOUNT);
	return counted + most <= config_number("ROOM_FILES_MEMORY_MB") * MB;
}

/* Under a lock, so that what others begin at the same time is counted; the space is taken at once. */
static enum err take_room(struct vault_file *f, const char *folder, int64_t most)
{
	char lock[VAULT_PATH];
	int fd;
	bool good;

	snprintf(lock, sizeof lock, "%s/.lock", folder);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	good = fd >= 0 && flock(fd, LOCK_EX) == 0 && has_room(f->in, folder, most);
	if (good && most > 0)
		good = fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, most) == 0 || errno == EOPNOTSUPP;
	if (fd >= 0)
		close(fd);
	return good ? OK : ERR_STORE_UNAVAILABLE;
}

/* ---- a file ---- */

enum err vault_begin(struct vault_file *f, enum vault in, int64_t most)
{
	const char *folder = vault_folder(in);
	char coming[VAULT_PATH], name[32];

	*f = (struct vault_file){.in = in, .fd = -1};
	if (!folder)
		return ERR_STORE_UNAVAILABLE;
	snprintf(coming, sizeof coming, "%s/.new", folder);
	id_new(name, "");
	if (!make_folder(coming, folder) || snprintf(f->path, sizeof f->path, "%s/%s", coming, name) >= (int)sizeof f->path)
		return ERR_STORE_UNAVAILABLE;
	f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return ERR_STORE_UNAVAILABLE;
	f->open = true;
	if (flock(f->fd, LOCK_EX | LOCK_NB) != 0 || fchmod(f->fd, mode_of(folder)) != 0)
		return ERR_STORE_UNAVAILABLE;
	return take_room(f, folder, most);
}

bool vault_write(struct vault_file *f, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(f->fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
		f->size += n;
	}
	return true;
}

const unsigned char *vault_map(struct vault_file *f)
{
	void *bytes;

	if (f->bytes || f->size == 0)
		return f->bytes;
	bytes = mmap(NULL, (size_t)f->size, PROT_READ, MAP_SHARED, f->fd, 0);
	if (bytes != MAP_FAILED)
		f->bytes = bytes;
	return f->bytes;
}

static bool sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

enum err vault_keep(struct vault_file *f, const char *conversation, const char *id)
{
	const char *root = vault_folder(f->in);
	char folder[VAULT_PATH], path[VAULT_PATH];
	bool good = false;

	if (!root || snprintf(folder, sizeof folder, "%s/%s", root, conversation) >= (int)sizeof folder ||
		snprintf(path, sizeof path, "%s/%s", folder, id) >= (int)sizeof path)
		return ERR_STORE_UNAVAILABLE;
	/* What was taken in advance and not used goes back. */
	if (ftruncate(f->fd, f->size) != 0 || (f->in == VAULT_DISK && fsync(f->fd) != 0))
		return ERR_STORE_UNAVAILABLE;
	FAILPOINT("file.synced");
	/* The folder may go between: others remove it when it is empty. */
	for (int i = 0; i < 5 && !good; i++)
		good = make_folder(folder, root) && rename(f->path, path) == 0;
	if (!good)
		return ERR_STORE_UNAVAILABLE;
	f->path[0] = '\0';
	FAILPOINT("file.renamed");
	if (f->in == VAULT_DISK && (!sync_folder(folder) || !sync_folder(root)))
		return ERR_STORE_UNAVAILABLE;
	return OK;
}

void vault_drop(struct vault_file *f)
{
	if (!f->open)
		return;
	if (f->bytes)
		munmap((void *)f->bytes, (size_t)f->size);
	if (f->path[0])
		unlink(f->path);
	close(f->fd);
	*f = (struct vault_file){.fd = -1};
}
