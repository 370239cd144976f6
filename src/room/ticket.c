/* `room ticket`: mints a ticket as MainServer would, or reads one. For trying things out, and for MainServer's authors to compare with. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/utf8.h"
#include "chat/ticket.h"
#include "room/command.h"
#include "room/secret.h"

static const char usage[] =
	"usage: room ticket --session ID --student ID [options]\n"
	"       room ticket --session ID --counselor ID [options]\n"
	"       room ticket --session ID --volunteer ID [options]\n"
	"       room ticket --desk COUNSELOR [options]\n"
	"       room ticket --user ID [--name NAME] [options]\n"
	"       room ticket --service [options]\n"
	"       room ticket --read TOKEN\n"
	"\n"
	"Prints a ticket (a JWT, signed with the first secret of ROOM_JWT_SECRET or of ROOM_STATE/secret): for one side of a session, for a\n"
	"counselor's desk, for a user of lasting conversations, or for MainServer's own calls.\n"
	"\n"
	"  --ttl SECONDS        how long it is good for (ROOM_TICKET_S; at most 90000)\n"
	"  --permissions LIST   only these: send_message,view_history,end_session,erase_session,request_summary\n"
	"  --name NAME          what others see the user called\n"
	"  --read TOKEN         check a ticket with our secrets and print its claims; - reads it from standard input\n";

struct wanted {
	struct ticket ticket;
	const char *permissions, *read;
	long ttl_s;
	int kinds; /* how many of the forms above were asked for */
	bool session;
};

static bool take_id(char *out, const char *value, const char *option)
{
	if (!id_valid(value, strlen(value)))
		return command_failed("%s: an id is 1 to 64 letters, digits, - and _", option), false;
	snprintf(out, ID_MAX + 1, "%s", value);
	return true;
}

static bool take_role(struct wanted *w, enum ticket_kind kind, const char *role, const char *side, const char *id)
{
	w->kinds++;
	w->ticket.kind = kind;
	w->ticket.acts = kind == TICKET_USER ? 0 : strcmp(side, "student") == 0 ? ACTS_STUDENT : ACTS_COUNSELOR;
	snprintf(w->ticket.role, sizeof w->ticket.role, "%s", role);
	snprintf(w->ticket.side, sizeof w->ticket.side, "%s", side);
	if (kind == TICKET_USER && strncmp(id, TICKET_ACCOUNT_PREFIX, strlen(TICKET_ACCOUNT_PREFIX)) == 0)
		return command_failed("--user: ids that begin with " TICKET_ACCOUNT_PREFIX " are those of accounts made here; they log in"), false;
	return !id || take_id(w->ticket.participant, id, *role ? role : side);
}

static bool take_name(struct wanted *w, const char *name)
{
	size_t len = strlen(name);

	if (!utf8_valid(name, len) || utf8_blank(name, len) || len > PERSON_NAME_MAX)
		return command_failed("--name: 1 to %d bytes of text", PERSON_NAME_MAX), false;
	snprintf(w->ticket.name, sizeof w->ticket.name, "%s", name);
	return true;
}

static bool take_permissions(struct wanted *w)
{
	json_t *names = json_array();
	char *copy = strdup(w->permissions), *rest = copy, *name;
	bool good = true;

	while ((name = strsep(&rest, ",")))
		if (*name) {
			unsigned act = 0;
			json_t *one = json_pack("[s]", name);
			good &= acts_parse(&act, one) && act != 0;
			if (act == 0)
				command_failed("--permissions: there is no permission `%s`", name);
			json_array_append_new(names, json_string(name));
			json_decref(one);
		}
	good = good && acts_parse(&w->ticket.acts, names);
	json_decref(names);
	free(copy);
	return good;
}

/* Reads the options into w. 0, or the exit code (-1: help was printed). */
static int take_options(struct wanted *w, int argc, char **argv)
{
	static const struct option options[] = {{"session", required_argument, NULL, 's'}, {"student", required_argument, NULL, 'a'},
		{"counselor", required_argument, NULL, 'c'}, {"volunteer", required_argument, NULL, 'v'}, {"desk", required_argument, NULL, 'd'},
		{"user", required_argument, NULL, 'u'}, {"name", required_argument, NULL, 'n'}, {"service", no_argument, NULL, 'm'},
		{"ttl", required_argument, NULL, 't'}, {"permissions", required_argument, NULL, 'p'}, {"read", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'}, {0}};
	bool good = true;
	char *end;
	int option;

	while (good && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'h': command_help(usage); return -1;
		case 's': good = w->session = take_id(w->ticket.conversation, optarg, "--session"); break;
		case 'a': good = take_role(w, TICKET_PARTICIPANT, "student", "student", optarg); break;
		case 'c': good = take_role(w, TICKET_PARTICIPANT, "counselor", "counselor", optarg); break;
		case 'v': good = take_role(w, TICKET_PARTICIPANT, "volunteer", "counselor", optarg); break;
		case 'd': good = take_role(w, TICKET_DESK, "counselor", "counselor", optarg); break;
		case 'u': good = take_role(w, TICKET_USER, "", "user", optarg); break;
		case 'n': good = take_name(w, optarg); break;
		case 'm': good = take_role(w, TICKET_SERVICE, "service", "", NULL); break;
		case 'p': w->permissions = optarg; break;
		case 'r': w->read = optarg; break;
		case 't':
			w->ttl_s = strtol(optarg, &end, 10);
			if (*end || w->ttl_s < 1 || w->ttl_s > JWT_MAX_AHEAD_S)
				return command_misused(argv[0], "--ttl: seconds, 1 to 90000");
			break;
		default: return command_misused(argv[0], NULL);
		}
	}
	if (!good)
		return COMMAND_USAGE;
	if (optind < argc)
		return command_misused(argv[0], "it takes options only");
	if (w->read ? w->kinds + w->session > 0 : w->kinds != 1)
		return command_misused(argv[0], "say for whom: one of --student, --counselor, --volunteer, --desk, --user, --service; or --read");
	if (w->permissions && w->ticket.kind == TICKET_USER)
		return command_misused(argv[0], "--permissions are a session's: what a user may do, his role in a conversation says");
	if (*w->ticket.name && w->ticket.kind != TICKET_USER)
		return command_misused(argv[0], "--name goes with --user");
	if (!w->read && w->session != (w->ticket.kind == TICKET_PARTICIPANT))
		return command_misused(argv[0], "--session goes with --student, --counselor and --volunteer, and only with them");
	return 0;
}

/* Checks a token as the service would, then shows what it claims. */
static int read_token(const char *token)
{
	char text[JWT_MAX_BYTES + 2];
	struct jwt_keys *keys = NULL;
	const char *why = NULL;
	json_t *claims = NULL;
	struct ticket ticket;
	int code = EXIT_FAILURE;
	enum err e;

	if (strcmp(token, "-") == 0) {
		if (!fgets(text, sizeof text, stdin))
			return command_failed("--read -: nothing on standard input");
		text[strcspn(text, "\r\n")] = '\0';
		token = text;
	}
	if (jwt_keys_load(&keys, config_text("ROOM_JWT_SECRET"), &why) != OK)
		return command_failed("ROOM_JWT_SECRET: %s", why);
	e = jwt_verify(&claims, keys, token, strlen(token), &why);
	if (e == OK)
		e = ticket_from_claims(&ticket, claims);
	if (claims) {
		json_dumpf(claims, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	if (e == OK)
		code = EXIT_SUCCESS;
	else
		command_failed("%s: %s", err_row(e)->code, why ? why : err_row(e)->message);
	json_decref(claims);
	jwt_keys_free(keys);
	return code;
}

int ticket_command(int argc, char **argv)
{
	struct wanted w = {0};
	int code = take_options(&w, argc, argv);
	char *token;

	if (code != 0)
		return code < 0 ? EXIT_SUCCESS : code;
	if (!secret_setup())
		return EXIT_FAILURE;
	if (w.read)
		return read_token(w.read);
	if (w.permissions && !take_permissions(&w))
		return COMMAND_USAGE;
	w.ticket.expires_at_ms = clock_now_ms() + (w.ttl_s ? w.ttl_s : config_number("ROOM_TICKET_S")) * 1000;
	token = ticket_mint(&w.ticket);
	if (!token)
		return command_failed("out of memory");
	puts(token);
	free(token);
	return EXIT_SUCCESS;
}
