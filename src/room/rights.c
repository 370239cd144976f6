/* `room rights`: who may do what in a lasting conversation, from the program's own table. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "chat/rights.h"
#include "room/command.h"

static const char usage[] = "usage: room rights [--json]\n"
							"\n"
							"Prints the table of rights in lasting conversations, as the README has it: a row for each act, a column for\n"
							"each role; `direct` are the two of a direct conversation, `service` is MainServer.\n"
							"\n"
							"  --json   as JSON\n";

int rights_command(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool as_json = false;
	struct buf out;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(usage);
		if (option != 'j')
			return command_misused(argv[0], NULL);
		as_json = true;
	}
	if (optind < argc)
		return command_misused(argv[0], "it takes no arguments");
	buf_init(&out, 65536);
	if (as_json)
		rights_json(&out);
	else
		rights_markdown(&out);
	fwrite(out.data, 1, out.len, stdout);
	if (as_json)
		putchar('\n');
	buf_done(&out);
	return EXIT_SUCCESS;
}
