/* `room doctor`: looks at this machine and at a running service, and says what to change. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "outside/fetch.h"
#include "room/command.h"
#include "room/doctor.h"
#include "room/residue.h"
#include "room/running.h"

static const char usage[] =
	"usage: room doctor [--json]\n"
	"       room doctor --residue [--text TEXT ...] [--json]\n"
	"\n"
	"Looks at this machine, at Redis (ROOM_REDIS, or the private one of a running `room up`) and, when one runs in ROOM_STATE, at a real\n"
	"stream through lighttpd, and says what to change.\n"
	"\n"
	"  --residue   look for what should be gone instead: each TEXT (-: each line of standard input) in every key of Redis and its files, "
	"the\n"
	"              database and its files, logs and temporary files; without TEXT for keys and rows of sessions that are over. Says where\n"
	"              something is, never what.\n"
	"\n"
	"  ok       as it should be\n"
	"  advice   it works, and could be better\n"
	"  BAD      it breaks a promise, or will under load\n"
	"  skipped  could not be looked at, and why\n"
	"\n"
	"exit codes: 0, or 1 when anything is BAD\n";

static const char *const words[] = {
	[FINDING_FINE] = "ok", [FINDING_ADVICE] = "advice", [FINDING_BAD] = "BAD", [FINDING_SKIPPED] = "skipped"};

void doctor_report(struct patient *p, enum finding finding, const char *check, const char *advice, const char *seen, ...)
{
	va_list args;
	char *text;

	va_start(args, seen);
	if (vasprintf(&text, seen, args) < 0)
		abort();
	va_end(args);
	json_array_append_new(
		p->findings, json_pack("{s:s, s:s, s:s, s:s?}", "finding", words[finding], "check", check, "seen", text, "advice", advice));
	p->bad += finding == FINDING_BAD;
	free(text);
}

static void print_findings(const json_t *findings)
{
	size_t i;
	json_t *one;

	json_array_foreach(findings, i, one)
	{
		const char *finding, *check, *seen, *advice = NULL;
		json_unpack(one, "{s:s, s:s, s:s, s?s}", "finding", &finding, "check", &check, "seen", &seen, "advice", &advice);
		printf("%-8s %-22s %s\n", finding, check, seen);
		if (advice)
			printf("%-8s %-22s -> %s\n", "", "", advice);
	}
}

/* Which Redis to look at: the settings' one, or what a running one says. To be freed. */
static char *redis_address(const struct patient *p)
{
	const char *given = config_text("ROOM_REDIS");

	if (!*given)
		given = json_string_value(json_object_get(p->running, "redis"));
	return given ? strdup(given) : NULL;
}

int doctor_command(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"residue", no_argument, NULL, 'r'},
		{"text", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct patient p = {0};
	struct needles texts = {0};
	bool as_json = false, residue = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(usage);
		if (option == '?')
			return command_misused(argv[0], NULL);
		as_json |= option == 'j';
		residue |= option == 'r';
		if (option == 't')
			needles_add(&texts, optarg);
	}
	if (optind < argc || (texts.count > 0 && !residue))
		return command_misused(argv[0], optind < argc ? "it takes no arguments" : "--text goes with --residue");
	if (config_load() != 0 || !place_find(&p.place))
		return EXIT_FAILURE;
	fetch_setup();
	p.findings = json_array();
	p.running = running_read();
	p.redis = redis_address(&p);
	if (residue) {
		doctor_residue(&p, &texts);
	} else {
		doctor_machine(&p);
		doctor_files(&p);
		doctor_redis(&p);
		doctor_stream(&p);
	}
	if (as_json) {
		json_dumpf(p.findings, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_findings(p.findings);
	}
	json_decref(p.findings);
	json_decref(p.running);
	free(p.redis);
	place_done(&p.place);
	needles_done(&texts);
	return p.bad > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
