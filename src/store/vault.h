/* Bytes of files, in folders of this machine: one on a disk for lasting conversations, one in memory (a tmpfs) for sessions, whose bytes never touch a disk.
 * Below each a folder per conversation, in it a file per id. Names and types are elsewhere (store/files, Redis): a file that nobody there knows is not
 * to be seen, and the worker's sweep removes it.
 *
 * Blocks (disk). Any thread; each struct vault_file belongs to one at a time. */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/id.h"

enum vault { VAULT_DISK, VAULT_MEMORY };

#define VAULT_PATH 512

/* A file under way: under a name of its own in the folder .new, locked for as long as whoever writes it lives. Zeroed: none. */
struct vault_file {
	bool open;
	enum vault in;
	int fd;
	int64_t size;
	char path[VAULT_PATH];
	const unsigned char *bytes; /* vault_map */
};

/* The folder (ROOM_FILES, ROOM_FILES_MEMORY); NULL: there is none, or it is no tmpfs where it must be one. */
const char *vault_folder(enum vault in);

bool vault_on_tmpfs(const char *path);

/* Makes room for most bytes. ERR_STORE_UNAVAILABLE: the folder is missing or full: in memory all files together may have ROOM_FILES_MEMORY_MB, and
 * a piece of what carries it stays free for others in both. vault_drop it in any case. */
enum err vault_begin(struct vault_file *f, enum vault in, int64_t most) MUST_CHECK;
bool vault_write(struct vault_file *f, const void *bytes, size_t len) MUST_CHECK;

/* All of it, readable until vault_drop; f->size bytes. NULL when that fails or it is empty. */
const unsigned char *vault_map(struct vault_file *f);

/* Safe on the disk, then under its name: from then on it is there whatever happens. */
enum err vault_keep(struct vault_file *f, const char *conversation, const char *id) MUST_CHECK;

/* Lets go; what was not kept is gone. Takes a zeroed one. */
void vault_drop(struct vault_file *f);

/* The path of a kept file. */
void vault_path(char out[VAULT_PATH], enum vault in, const char *conversation, const char *id);

/* Removes a file, or all of a conversation's; nothing there is as good. False: could not. */
bool vault_remove(enum vault in, const char *conversation, const char *id);
bool vault_remove_all(enum vault in, const char *conversation);

/* Removes what people who died left in .new, and what lies in the folder of request bodies beside it for an hour. Returns how many. */
int vault_sweep(enum vault in);

/* Calls each for every conversation that has a folder, or (vault_each_file) every file of one: its id and the time of its last change, ms. */
void vault_each(enum vault in, void (*each)(void *ctx, const char *conversation), void *ctx);
void vault_each_file(enum vault in, const char *conversation, void (*each)(void *ctx, const char *id, int64_t changed_at), void *ctx);

#endif
