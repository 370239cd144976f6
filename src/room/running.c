/* What ROOM_STATE/room.json says: see running.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/config.h"
#include "room/file.h"
#include "room/place.h"
#include "room/running.h"

json_t *running_read(void)
{
	char *path = place_path("%s/room.json", config_text("ROOM_STATE")), *text = file_read(path);
	json_t *running = text ? json_loads(text, 0, NULL) : NULL;
	pid_t pid = (pid_t)json_integer_value(json_object_get(running, "pid"));

	free(text);
	free(path);
	if (running && (pid <= 1 || (kill(pid, 0) != 0 && errno == ESRCH))) {
		json_decref(running);
		running = NULL;
	}
	return running;
}

char *running_base(const json_t *running)
{
	const char *url = json_string_value(json_object_get(running, "url"));

	if (*config_text("ROOM_URL") || !url)
		url = config_public_url();
	return place_path("%s", url);
}
