/* `room reload`: asks a running `room up` to replace its handlers, hubs and lighttpd, so that new programs and certificates come into use. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "room/command.h"
#include "room/running.h"

static const char usage[] = "usage: room reload\n"
							"\n"
							"Tells the `room up` of ROOM_STATE to start its programs anew (all but Redis) and let the old ones\n"
							"finish: nobody is turned away, open streams end and their readers come back. Settings stay as they\n"
							"were at the start.\n";

int reload_command(int argc, char **argv)
{
	json_t *running;
	pid_t pid;
	int code = command_flag(argc, argv, usage, NULL, NULL);

	if (code != COMMAND_GO_ON)
		return code;
	if (config_load() != 0)
		return EXIT_FAILURE;
	running = running_read();
	if (!running)
		return command_failed("no `room up` is running in %s", config_text("ROOM_STATE"));
	pid = (pid_t)json_integer_value(json_object_get(running, "pid"));
	json_decref(running);
	return kill(pid, SIGHUP) == 0 ? EXIT_SUCCESS : command_failed("pid %d: %s", (int)pid, strerror(errno));
}
