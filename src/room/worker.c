/* `room worker`: what happens when nobody looks. Started by cron each minute, and kept running by `room up`. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/seal.h"
#include "outside/fetch.h"
#include "room/command.h"
#include "room/keys.h"
#include "room/place.h"
#include "room/running.h"
#include "worker/jobs.h"
#include "worker/status.h"

static const char usage[] =
	"usage: room worker [--once | --stay] [job ...]\n"
	"       room worker --status [--json]\n"
	"\n"
	"Does what is due, for ROOM_WORKER_S seconds (70: started by cron each minute, runs overlap). Any number at once does no harm.\n"
	"Without names all jobs run:\n"
	"\n";
static const char usage_end[] = "\n"
								"  --once     do what is due now, then end\n"
								"  --stay     go on until SIGTERM (as `room up` has it)\n"
								"  --status   queues, breakers, dead letters; --json: the same for programs\n"
								"\n"
								"At the end one line of JSON per job on standard output; problems go to standard error.\n"
								"\n"
								"exit codes: 0 done, 1 a job failed, 2 settings or usage wrong, 3 Redis or the database is away\n";

#define CHOSEN_MOST 32

static struct worker_run run = {.wake = -1};

static void on_term(int signo)
{
	(void)signo;
	worker_stop(&run);
}

static int help(void)
{
	fputs(usage, stdout);
	for (const struct job *const *j = jobs_all; *j; j++)
		printf("  %-10s %s\n", (*j)->name, (*j)->help);
	fputs(usage_end, stdout);
	return EXIT_SUCCESS;
}

/* Counts only. One write, so that lines of several workers in one file don't mix. */
static void print_line(const struct worker *w)
{
	struct buf line;
	ssize_t n;

	buf_init(&line, 2048);
	buf_printf(&line, "{\"at\":%lld,\"program\":\"worker\",\"pid\":%d,\"event\":\"job\",\"job\":\"%s\",\"rounds\":%lld,\"failures\":%lld",
		(long long)clock_now_ms(), (int)getpid(), w->job->name, (long long)w->rounds, (long long)w->failures);
	for (int i = 0; i < WORKER_COUNTS && w->counts[i].name; i++)
		buf_printf(&line, ",\"%s\":%lld", w->counts[i].name, (long long)w->counts[i].n);
	if (w->last != OK)
		buf_printf(&line, ",\"last\":\"%s\"", err_row(w->last)->code);
	if (w->off)
		BUF_LIT(&line, ",\"off\":true");
	BUF_LIT(&line, "}\n");
	if (buf_ok(&line)) {
		n = write(STDOUT_FILENO, line.data, line.len);
		(void)n;
	}
	buf_done(&line);
	if (w->why)
		fprintf(stderr, "room worker %s: %s\n", w->job->name, w->why);
}

/* cron's environment names no Redis where `room up` keeps a private one: that says in room.json where it is. */
static bool find_redis(void)
{
	json_t *running;
	const char *address;

	if (*config_text("ROOM_REDIS"))
		return true;
	running = running_read();
	address = json_string_value(json_object_get(running, "redis"));
	if (!address || setenv("ROOM_REDIS", address, 1) != 0)
		command_failed("ROOM_REDIS is unset, and no `room up` is running in %s", config_text("ROOM_STATE"));
	else
		config_done();
	json_decref(running);
	return address && config_load() == 0;
}

/* Nor does it say where files are. */
static bool find_files(void)
{
	struct place place;

	if (*config_text("ROOM_FILES_MEMORY"))
		return true;
	if (!place_find(&place))
		return false;
	place_publish_files(&place);
	place_done(&place);
	config_done();
	return config_load() == 0;
}

static bool settings(void)
{
	const char *why = NULL;

	if (config_load() != 0 || !keys_provide(config_text("ROOM_STATE"), false))
		return false;
	config_done();
	if (config_load() != 0 || !find_redis() || !find_files())
		return false;
	if (seal_setup(&why) == ERR_BAD_REQUEST)
		return command_failed("ROOM_KEYS %s", why), false;
	fetch_setup();
	return true;
}

static int work(bool once, bool stay, char **names, int count)
{
	struct sigaction term = {.sa_handler = on_term};
	const struct job *chosen[CHOSEN_MOST];
	enum worker_outcome outcome;
	bool cut;
	int n = 0;

	for (int i = 0; i < count; i++) {
		const struct job *job = jobs_named(names[i]);
		if (!job)
			return command_misused("worker", "there is no such job");
		if (n < CHOSEN_MOST)
			chosen[n++] = job;
	}
	for (const struct job *const *j = jobs_all; count == 0 && *j; j++)
		chosen[n++] = *j;
	if (!settings())
		return WORKER_MISSET;
	log_init("worker", log_level_of(config_text("ROOM_LOG")));
	run.jobs = chosen;
	run.count = n;
	run.once = once;
	run.seconds = stay ? 0 : config_number("ROOM_WORKER_S");
	run.line = print_line;
	run.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run.wake < 0)
		return command_failed("eventfd: %s", strerror(errno));
	/* Who waits for an answer comes first; what the worker does may be a second late. */
	setpriority(PRIO_PROCESS, 0, 10);
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGINT, &term, NULL);
	outcome = worker_run(&run, &cut);
	if (cut) /* calls are under way: whatever they lead to, another worker may repeat it */
		_exit(outcome);
	return outcome;
}

static void print_status(const json_t *status)
{
	const char *name, *state;
	json_int_t count, due, oldest, failures, last;
	json_t *one;

	json_object_foreach(json_object_get(status, "queues"), name, one)
	{
		due = oldest = 0;
		json_unpack(one, "{s:I, s?I, s?I}", "count", &count, "due", &due, "oldestMs", &oldest);
		printf("queue    %-12s %lld", name, (long long)count);
		if (due > 0)
			printf(", %lld due, the oldest for %.1f s", (long long)due, (double)oldest / 1000);
		putchar('\n');
	}
	json_object_foreach(json_object_get(status, "breakers"), name, one)
	{
		json_unpack(one, "{s:s, s:I}", "state", &state, "failures", &failures);
		printf("breaker  %-12s %s", name, state);
		if (failures > 0)
			printf(", %lld failures in a row", (long long)failures);
		putchar('\n');
	}
	json_object_foreach(json_object_get(status, "deadPushes"), name, one)
	{
		json_unpack(one, "{s:I, s:I}", "count", &count, "lastAt", &last);
		printf("pushes   %s: %lld given up, the last %lld s ago\n", name, (long long)count, ((long long)clock_now_ms() - last) / 1000);
	}
	json_object_foreach(json_object_get(status, "webhooks"), name, one)
		printf("webhooks %-12s %lld\n", name, (long long)json_integer_value(one));
	json_object_foreach(json_object_get(status, "ledger"), name, one)
		printf("sessions %-12s %lld\n", name, (long long)json_integer_value(one));
	printf(
		"to announce           %lld\n", (long long)json_integer_value(json_object_get(json_object_get(status, "announcing"), "waiting")));
}

static int show_status(bool json)
{
	const char *why = NULL;
	json_t *status;
	enum err e;

	if (!settings())
		return WORKER_MISSET;
	e = worker_status(&status, &why);
	if (json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_status(status);
	}
	json_decref(status);
	if (e == OK)
		return EXIT_SUCCESS;
	command_failed("%s", why);
	return WORKER_NO_STORE;
}

int worker_command(int argc, char **argv)
{
	static const struct option options[] = {{"once", no_argument, NULL, 'o'}, {"stay", no_argument, NULL, 's'},
		{"status", no_argument, NULL, 'q'}, {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool once = false, stay = false, status = false, json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return help();
		if (option == '?')
			return command_misused(argv[0], NULL);
		once |= option == 'o';
		stay |= option == 's';
		status |= option == 'q';
		json |= option == 'j';
	}
	if ((once && stay) || (status && (once || stay || optind < argc)) || (json && !status))
		return command_misused(argv[0], "these options don't go together");
	if (status)
		return show_status(json);
	return work(once, stay, argv + optind, argc - optind);
}
