/* `room session`: creates a session on a running service, as MainServer would, and prints its tickets and links. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/id.h"
#include "room/client.h"
#include "room/command.h"
#include "room/running.h"
#include "room/secret.h"

static const char usage[] = "usage: room session [options]\n"
							"\n"
							"Creates a session on the service at ROOM_URL (or the one of ROOM_STATE), with a service token made\n"
							"from our secret, and prints its id and a link for each side.\n"
							"\n"
							"  --session ID           its id (default: the service makes one)\n"
							"  --student ID           the student's anonymous id (default: a random one)\n"
							"  --counselor ID         the counselor's id (default: a random one)\n"
							"  --volunteer ID         the same, who is shown as a volunteer\n"
							"  --waiting              nobody on the counselor's side yet\n"
							"  --case REF             caseRef\n"
							"  --summaries POLICY     allowed, consent or off\n"
							"  --permissions LIST     comma-separated, for both sides\n"
							"  --json                 print the service's answer as it is\n";

struct wanted {
	json_t *body;
	bool waiting, json;
};

static void set(json_t *body, const char *name, const char *value)
{
	json_object_set_new(body, name, json_string(value));
}

static void set_list(json_t *body, const char *name, const char *list)
{
	json_t *names = json_array();
	char *copy = strdup(list), *rest = copy, *one;

	while ((one = strsep(&rest, ",")))
		if (*one)
			json_array_append_new(names, json_string(one));
	json_object_set_new(body, name, names);
	free(copy);
}

/* Reads the options into w. 0, or the exit code (-1: help was printed). */
static int take_options(struct wanted *w, int argc, char **argv)
{
	static const struct option options[] = {{"session", required_argument, NULL, 'i'}, {"student", required_argument, NULL, 's'},
		{"counselor", required_argument, NULL, 'c'}, {"volunteer", required_argument, NULL, 'v'}, {"waiting", no_argument, NULL, 'w'},
		{"case", required_argument, NULL, 'r'}, {"summaries", required_argument, NULL, 'm'}, {"permissions", required_argument, NULL, 'p'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	char id[64];
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'h': command_help(usage); return -1;
		case 'i': set(w->body, "sessionId", optarg); break;
		case 's': set(w->body, "studentAnonymousId", optarg); break;
		case 'v':
			set(w->body, "counselorRole", "volunteer");
			set(w->body, "counselorId", optarg);
			break;
		case 'c': set(w->body, "counselorId", optarg); break;
		case 'w': w->waiting = true; break;
		case 'r': set(w->body, "caseRef", optarg); break;
		case 'm': set(w->body, "summaries", optarg); break;
		case 'p': set_list(w->body, "permissions", optarg); break;
		case 'j': w->json = true; break;
		default: return command_misused(argv[0], NULL);
		}
	}
	if (optind < argc)
		return command_misused(argv[0], "it takes options only");
	if (w->waiting && json_object_get(w->body, "counselorId"))
		return command_misused(argv[0], "--waiting means no counselor");
	if (!json_object_get(w->body, "studentAnonymousId")) {
		id_new(id, "anon_");
		set(w->body, "studentAnonymousId", id);
	}
	if (!w->waiting && !json_object_get(w->body, "counselorId")) {
		id_new(id, "counselor_");
		set(w->body, "counselorId", id);
	}
	return 0;
}

static void print_made(const json_t *made, const char *base, bool as_json)
{
	const char *side, *id = json_string_value(json_object_get(made, "sessionId"));
	json_t *ticket;

	if (as_json) {
		json_dumpf(made, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	printf("session: %s\n", id ? id : "");
	json_object_foreach(json_object_get(made, "tickets"), side, ticket)
		printf("%s: %s/#ticket=%s\n", side, base, json_string_value(ticket));
}

int session_command(int argc, char **argv)
{
	struct wanted w = {.body = json_object()};
	json_t *made = NULL, *running = NULL;
	char *base = NULL;
	int code = take_options(&w, argc, argv);

	if (code != 0) {
		code = code < 0 ? EXIT_SUCCESS : code;
		goto out;
	}
	code = EXIT_FAILURE;
	if (!secret_setup())
		goto out;
	running = running_read();
	base = running_base(running);
	fetch_setup();
	if (client_create_session(base, client_is_loopback(base), w.body, &made)) {
		print_made(made, base, w.json);
		code = EXIT_SUCCESS;
	}
out:
	json_decref(made);
	json_decref(running);
	json_decref(w.body);
	free(base);
	return code;
}
