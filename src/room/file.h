/* Small files, written whole. */
#ifndef ROOM_FILE_H
#define ROOM_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Puts the bytes in the place of the file at once (a reader sees the old or the new), mode 0600. False with errno. */
bool file_replace(const char *path, const char *bytes, size_t len);

/* The file's text, at most 1 MB, to be freed; NULL with errno. */
char *file_read(const char *path);

#endif
