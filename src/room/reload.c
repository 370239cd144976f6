#include "room/command.h"
int reload_command(int argc, char **argv)
{
	(void)argc;
	return command_misused(argv[0], "x");
}
