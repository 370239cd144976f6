/* The sealing keys: see keys.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/seal.h"
#include "room/command.h"
#include "room/file.h"
#include "room/keys.h"
#include "room/place.h"

static bool keys_make(const char *path)
{
	char text[SEAL_NEW_LEN + 1];
	bool good = seal_new_keys(text) == OK && file_replace(path, text, strlen(text));

	if (!good)
		command_failed("%s: %s", path, strerror(errno));
	else if (strncmp(config_text("ROOM_DB"), "postgres", 8) == 0)
		fprintf(stderr, "room: made a sealing key, %s: other hosts of this database need it too, as ROOM_KEYS\n", path);
	explicit_bzero(text, sizeof text);
	return good;
}

static bool keys_read(const char *path)
{
	struct stat st;
	char *text;
	bool good = false;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		return command_failed("%s can be read by others: chmod 600 it, and better put a new key in front", path), false;
	text = file_read(path);
	if (!text)
		return command_failed("%s: %s", path, strerror(errno)), false;
	text[strcspn(text, "\r\n")] = '\0';
	if (*text == '\0')
		command_failed("%s is empty: what was sealed with the key it held cannot be opened without it", path);
	else
		good = setenv("ROOM_KEYS", text, 1) == 0;
	explicit_bzero(text, strlen(text));
	free(text);
	return good;
}

bool keys_provide(const char *state, bool make)
{
	const char *given = config_text("ROOM_KEYS");
	char *path;
	bool good = true;

	if (*given)
		return setenv("ROOM_KEYS", given, 1) == 0;
	path = place_path("%s/keys", state);
	if (access(path, F_OK) == 0)
		good = keys_read(path);
	else if (make)
		good = keys_make(path) && keys_read(path);
	free(path);
	return good;
}
