/* stream.fcgi, a hub: SSE and long-poll (design §5). Started outside lighttpd with the listening socket as descriptor 0. */
#include <stdio.h>

#include "base/config.h"
#include "base/log.h"
#include "chat/ticket.h"
#include "stream/hub.h"

int main(void)
{
	const char *why = "";

	if (config_load() != 0)
		return 2;
	log_init("stream", log_level_of(config_text("ROOM_LOG")));
	if (ticket_setup(&why) != OK) {
		fprintf(stderr, "stream.fcgi: ROOM_JWT_SECRET: %s\n", why);
		return 2;
	}
	ticket_setup_forgetful();
	if (hub_run() != OK) {
		fprintf(stderr, "stream.fcgi: ROOM_REDIS must be unix:/path or redis://host:port, and descriptor 0 a listening socket\n");
		return 2;
	}
	return 0;
}
