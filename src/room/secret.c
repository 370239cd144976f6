/* The secret shared with MainServer: see secret.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/id.h"
#include "chat/ticket.h"
#include "room/command.h"
#include "room/file.h"
#include "room/place.h"
#include "room/secret.h"

#define SECRET_HEX 64 /* 256 random bits: as many as HS256 uses */

static bool secret_make(const char *path)
{
	char secret[SECRET_HEX + 1];
	bool good;

	id_hex(secret, SECRET_HEX);
	good = file_replace(path, secret, SECRET_HEX);
	if (!good)
		command_failed("%s: %s", path, strerror(errno));
	explicit_bzero(secret, sizeof secret);
	return good;
}

static bool secret_read(const char *path)
{
	char text[4096];
	struct stat st;
	ssize_t len = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return command_failed("%s: %s", path, strerror(errno)), false;
	if (fstat(fd, &st) == 0 && (st.st_mode & 077))
		command_failed("%s can be read by others: chmod 600 it, and better make a new one", path);
	else if ((len = read(fd, text, sizeof text - 1)) < 0)
		command_failed("%s: %s", path, strerror(errno));
	close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (*text == '\0')
		return command_failed("%s is empty: delete it, and the next `room up` makes a new one", path), false;
	setenv("ROOM_JWT_SECRET", text, 1);
	explicit_bzero(text, sizeof text);
	return true;
}

bool secret_provide(const char *state, bool make)
{
	const char *given = config_text("ROOM_JWT_SECRET");
	char *path;
	bool good;

	if (*given) {
		setenv("ROOM_JWT_SECRET", given, 1);
		return true;
	}
	path = place_path("%s/secret", state);
	if (access(path, F_OK) != 0 && !make) {
		command_failed("there is no secret: set ROOM_JWT_SECRET, or ROOM_STATE to the folder of a running `room up` (%s has none)", state);
		good = false;
	} else {
		good = (access(path, F_OK) == 0 || secret_make(path)) && secret_read(path);
	}
	free(path);
	return good;
}

bool secret_setup(void)
{
	const char *why = NULL;

	if (config_load() != 0 || !secret_provide(config_text("ROOM_STATE"), false))
		return false;
	config_done();
	if (config_load() != 0)
		return false;
	if (ticket_setup(&why) != OK)
		return command_failed("ROOM_JWT_SECRET: %s", why), false;
	return true;
}
