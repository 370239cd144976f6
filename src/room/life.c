/* `room life`: one life of a session, shown to a person. Nothing of the machine's own service is touched. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "room/command.h"
#include "room/life.h"

static const char usage[] =
	"usage: room life\n"
	"\n"
	"Shows one life of a session, from MainServer's token to nothing left, in half a minute: starts a whole Reading Room of its own in a\n"
	"temporary folder (sessions of 12 seconds instead of a day), plays student, counselor, MainServer and Google on this machine, and\n"
	"says what each of them sees and is told. Nothing leaves the machine; settings of yours are not used; at the end all of it is\n"
	"removed.\n"
	"\n"
	"exit codes: 0 everything was as promised, 1 something was not, or it was interrupted, 2 wrong usage\n";

#define LOOK_EACH_US 30000

static struct life life;

static void on_end(int signo)
{
	(void)signo;
	life.stop = true;
}

bool life_say(struct life *l, bool held, const char *who, const char *format, ...)
{
	va_list args;

	if (l->stop)
		return held;
	printf("%5.1f s  %-10s  %s", (double)(clock_mono_ms() - l->began_ms) / 1000, who, held ? "" : "NOT AS PROMISED: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	l->failed += !held;
	return held;
}

bool life_wait(struct life *l, bool (*ready)(struct life *l), int within_ms)
{
	int64_t deadline = clock_mono_ms() + within_ms;

	for (;;) {
		if (ready(l))
			return true;
		if (l->stop || clock_mono_ms() > deadline)
			return false;
		usleep(LOOK_EACH_US);
	}
}

int life_command(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct sigaction end = {.sa_handler = on_end};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(usage);
		return command_misused(argv[0], NULL);
	}
	if (optind < argc)
		return command_misused(argv[0], "it takes no arguments");
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	life.began_ms = clock_mono_ms();
	if (!life_stage(&life)) {
		life.failed++;
	} else {
		life_walk(&life);
		if (!life.stop && life.failed == 0)
			life_after(&life);
		if (!life.stop && life.failed == 0)
			printf("\nAll of it as promised, in %.0f seconds.\n", (double)(clock_mono_ms() - life.began_ms) / 1000);
	}
	life_strike(&life);
	if (life.stop)
		return command_failed("interrupted; everything is removed");
	return life.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
