/* ROOM_STATE/room.json: what a running `room up` tells tests, `room reload`, `room session` and `room doctor`. Rewritten at each change. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/version.h"
#include "room/command.h"
#include "room/file.h"
#include "room/up.h"

void status_write(const struct up *u)
{
	char *path = place_path("%s/room.json", u->place.state), *text;
	json_t *children = json_object(), *all;

	for (enum child_kind kind = 0; kind < CHILD_KINDS; kind++)
		json_object_set_new(children, child_name(kind), json_array());
	for (int i = 0; i < u->children.count; i++) {
		const struct child *c = &u->children.list[i];
		if (c->pid > 0 && !c->retiring)
			json_array_append_new(json_object_get(children, child_name(c->kind)), json_integer(c->pid));
	}
	all = json_pack("{s:i, s:s, s:o, s:s, s:s, s:i, s:s, s:s, s:b}", "pid", (int)getpid(), "version", ROOM_VERSION, "children", children,
		"url", config_public_url(), "local", u->probe_url, "port", u->tcp.port, "redis", config_text("ROOM_REDIS"), "scratch",
		u->place.scratch, "ready", u->ready);
	text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
	if (!text || !file_replace(path, text, strlen(text)))
		command_failed("%s: %s", path, strerror(errno));
	free(text);
	json_decref(all);
	free(path);
}
