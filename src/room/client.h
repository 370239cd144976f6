/* What the sub-commands ask of a running service, over HTTP as MainServer would. */
#ifndef ROOM_CLIENT_H
#define ROOM_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include "chat/ticket.h"
#include "outside/fetch.h"

/* POSTs body (borrowed) to a path, with a token of by's made from our secret (ticket_setup must have been called). 201 and 200: *status, and *out is the
 * answer, to be json_decref'd. False after saying why. */
bool client_post(
	const char *base, bool this_machine, const struct ticket *by, const char *path, const json_t *body, int *status, json_t **out);

/* POST /api/sessions with a service token made from our secret (ticket_setup must have been called). body is borrowed. 201 and 200: *out is the
 * answer, to be json_decref'd. False after saying why. */
bool client_create_session(const char *base, bool this_machine, const json_t *body, json_t **out);

/* True when the address names this machine: localhost, 127.…, [::1]. */
bool client_is_loopback(const char *url);

#endif
