/* Where things are: the programs and files that came with this command, and the folders that a running service keeps its own in. */
#ifndef ROOM_PLACE_H
#define ROOM_PLACE_H

#include <stdbool.h>

struct place {
	char *programs; /* folder of api.fcgi and stream.fcgi */
	char *share;    /* folder of lighttpd.conf and web/ */
	char *web;      /* ROOM_WEB, or share/web */
	char *state;    /* ROOM_STATE as an absolute path */
	char *files;    /* ROOM_FILES, or state/files, as an absolute path */
	char *memory;   /* scratch/files: sessions' files; "" when the scratch folder is no tmpfs */
	char *scratch;  /* what must never reach a disk: Redis's files, request bodies; deterministic for a state folder */
};

/* Fills p; makes nothing on disk. The state folder need not exist yet. False after saying why. */
bool place_find(struct place *p);
void place_done(struct place *p);

/* Makes the state folder (with logs/), the folders of files and the scratch folder (with redis/ and upload/), for their owner only. False after saying why. */
bool place_make(const struct place *p);

/* Removes the scratch folder: all it holds, or only if there is nothing in it that Redis could take up again. */
void place_remove_scratch(const struct place *p, bool all);

/* Removes a folder and all it holds, on its own file system. */
void place_remove(const char *folder);

/* Tells our programs, by the environment, where files are; settings are to be loaded again. */
void place_publish_files(const struct place *p);

bool place_on_tmpfs(const char *path);

/* A fresh string; memory that runs out aborts. */
char *place_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The absolute path of a program on PATH or in the sbin folders, which ordinary users' PATH leaves out; NULL when there is none. */
char *place_program(const char *name);

#endif
