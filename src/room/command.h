/* The sub-commands of `room`, a file each, and the little they share. Each gets its own argv (argv[0] is the command's name) and returns
 * the exit code: EXIT_SUCCESS, EXIT_FAILURE, or one of these. */
#ifndef ROOM_COMMAND_H
#define ROOM_COMMAND_H

#include <stdbool.h>

enum { COMMAND_GO_ON = -1, COMMAND_USAGE = 2, COMMAND_IN_USE = 3 };

int up_command(int argc, char **argv);
int reload_command(int argc, char **argv);
int ticket_command(int argc, char **argv);
int session_command(int argc, char **argv);
int doctor_command(int argc, char **argv);
int life_command(int argc, char **argv);
int config_command(int argc, char **argv);
int rights_command(int argc, char **argv);
int migrate_command(int argc, char **argv);
int worker_command(int argc, char **argv);
int webhook_command(int argc, char **argv);

/* Prints the usage text (which begins with "usage: ") to standard output and returns EXIT_SUCCESS. */
int command_help(const char *usage);

/* Reads the arguments of a command that takes none but --help and (flag not NULL) --<flag>, which sets *given. COMMAND_GO_ON, or the exit code: all was said. */
int command_flag(int argc, char **argv, const char *usage, const char *flag, bool *given);

/* Says what is wrong with the arguments, and where help is; returns COMMAND_USAGE. getopt_long has said it already when what is NULL. */
int command_misused(const char *command, const char *what);

/* Prints "room: " and the message to standard error; returns EXIT_FAILURE. */
int command_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
