/* Small files, written whole: see file.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "room/file.h"
#include "room/place.h"

#define MAX_BYTES (1 << 20)

bool file_replace(const char *path, const char *bytes, size_t len)
{
	char *fresh = place_path("%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), failed;
	bool good = fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, len) == (ssize_t)len && rename(fresh, path) == 0;

	failed = errno;
	if (fd >= 0)
		close(fd);
	if (!good)
		unlink(fresh);
	free(fresh);
	errno = failed;
	return good;
}

char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len;

	if (!file)
		return NULL;
	text = malloc(MAX_BYTES + 1);
	if (!text)
		abort();
	len = fread(text, 1, MAX_BYTES, file);
	text[len] = '\0';
	fclose(file);
	return text;
}
