/* What the sub-commands ask of a running service: see client.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "chat/ticket.h"
#include "room/client.h"
#include "room/command.h"
#include "room/place.h"

#define SERVICE_TOKEN_MS 60000 /* made for one call */

bool client_is_loopback(const char *url)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]);
		if (strncmp(host, names[i], len) == 0 && (host[len] == '\0' || host[len] == ':' || host[len] == '/'))
			return true;
	}
	return false;
}

/* What an unwelcome answer says, as far as it is the contract's. */
static void say_refusal(const char *url, const struct answer *a)
{
	json_t *body = a->body.data ? json_loadb(a->body.data, a->body.len, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(json_object_get(body, "error"), "message"));
	const char *code = json_string_value(json_object_get(json_object_get(body, "error"), "code"));

	command_failed("%s answered %d %s: %s", url, a->status, code ? code : "", message ? message : "(not an answer of ours)");
	json_decref(body);
}

bool client_post(
	const char *base, bool this_machine, const struct ticket *by, const char *path, const json_t *body, int *status, json_t **out)
{
	char *url = place_path("%s%s", base, path), *token = ticket_mint(by),
		 *bearer = place_path("Authorization: Bearer %s", token ? token : "");
	char *text = json_dumps(body, JSON_COMPACT);
	struct fetch f = {.url = url,
		.headers = {bearer},
		.body = text,
		.body_len = text ? strlen(text) : 0,
		.ca_file = config_text("ROOM_CA_FILE"),
		.this_machine = this_machine,
		.timeout_ms = 10000,
		.max_bytes = 65536};
	struct answer a;
	bool good = false;

	if (fetch_run(&f, &a) != OK) {
		command_failed("%s: %s", url, a.why);
	} else if (a.status != 201 && a.status != 200) {
		say_refusal(url, &a);
	} else if (!(*out = json_loadb(a.body.data ? a.body.data : "", a.body.len, 0, NULL))) {
		command_failed("%s: the answer is no JSON", url);
	} else {
		*status = a.status;
		good = true;
	}
	fetch_answer_done(&a);
	free(text);
	free(bearer);
	free(token);
	free(url);
	return good;
}

bool client_create_session(const char *base, bool this_machine, const json_t *body, json_t **out)
{
	struct ticket service = {.kind = TICKET_SERVICE, .role = "service", .expires_at_ms = clock_now_ms() + SERVICE_TOKEN_MS};
	int status;

	return client_post(base, this_machine, &service, "/api/sessions", body, &status, out);
}
