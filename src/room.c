/* The `room` command: runs a Reading Room on one machine, and looks at it. Sub-commands are rows of a table; src/room/ has a file for each. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "room/command.h"

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"up", up_command, "run everything in the foreground: Redis, handlers, hubs, lighttpd"},
	{"reload", reload_command, "replace handlers, hubs and lighttpd of a running `room up`, without turning anybody away"},
	{"session", session_command, "create a session on a running service and print its tickets"},
	{"ticket", ticket_command, "mint a ticket"},
	{"life", life_command, "show one life of a session to a person, from MainServer's token to nothing left"},
	{"doctor", doctor_command, "check this machine and a running service, and say what to change"},
	{"worker", worker_command, "do what is due when nobody looks: expiry, push, summaries, webhooks"},
	{"webhook", webhook_command, "what MainServer was told; send dead letters again"},
	{"migrate", migrate_command, "bring the database to the schema of this version"},
	{"config", config_command, "list every setting, its value and where it comes from"},
	{"rights", rights_command, "print who may do what in a lasting conversation"},
	{"version", version_command, "print the version"},
	{"help", help_command, "print this list, or the help of one command"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

int command_help(const char *usage)
{
	fputs(usage, stdout);
	return EXIT_SUCCESS;
}

int command_misused(const char *command, const char *what)
{
	if (what)
		fprintf(stderr, "room %s: %s\n", command, what);
	fprintf(stderr, "Try `room %s --help`.\n", command);
	return COMMAND_USAGE;
}

int command_flag(int argc, char **argv, const char *usage, const char *flag, bool *given)
{
	const struct option options[] = {{"help", no_argument, NULL, 'h'}, {flag, no_argument, NULL, 'f'}, {0}}; /* flag NULL ends it */
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(usage);
		if (option != 'f')
			return command_misused(argv[0], NULL);
		*given = true;
	}
	return optind < argc ? command_misused(argv[0], "it takes no arguments") : COMMAND_GO_ON;
}

int command_failed(const char *format, ...)
{
	va_list args;

	fputs("room: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

static const struct command *command_named(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_commands(FILE *out)
{
	fputs("usage: room <command> [options]\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fputs("\n`room <command> --help` says more. Settings come from the environment: `room config` lists them.\n", out);
}

static int help_command(int argc, char **argv)
{
	const struct command *c = argc > 1 ? command_named(argv[1]) : NULL;
	char *words[] = {argc > 1 ? argv[1] : NULL, (char[]){"--help"}, NULL};

	if (argc > 2 || (argc == 2 && !c && strcmp(argv[1], "--help") != 0)) {
		fprintf(stderr, "room help: there is no such command\n");
		return COMMAND_USAGE;
	}
	if (c && c->run != help_command)
		return c->run(2, words);
	print_commands(stdout);
	return EXIT_SUCCESS;
}

static int version_command(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return command_help("usage: room version\n\nPrints the version.\n");
	if (argc > 1)
		return command_misused(argv[0], "it takes no arguments");
	puts("reading-room " ROOM_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_commands(stderr);
		return COMMAND_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help_command(1, argv);
	if (strcmp(argv[1], "--version") == 0)
		return version_command(1, argv);
	c = command_named(argv[1]);
	if (!c) {
		fprintf(stderr, "room: there is no command `%s`; `room help` lists them\n", argv[1]);
		return COMMAND_USAGE;
	}
	/* People read our standard error: what libraries log as a matter of course is not for them. */
	log_init("room", LOG_ERROR);
	return c->run(argc - 1, argv + 1);
}
