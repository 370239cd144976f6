/* `room rights`: who may do what in a lasting conversation, from the program's own table. */
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
	bool as_json = false;
	struct buf out;
	int code = command_flag(argc, argv, usage, "json", &as_json);

	if (code != COMMAND_GO_ON)
		return code;
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
