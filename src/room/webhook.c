/* `room webhook`: the outbox of messages to MainServer, and sending again what it never took. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config.h"
#include "room/command.h"
#include "store/webhooks.h"

#define LIST_MOST 1000

static const char usage[] =
	"usage: room webhook list [--state pending|delivered|dead] [--limit N] [--json]\n"
	"       room webhook resend ID\n"
	"       room webhook resend --all-dead\n"
	"\n"
	"What MainServer was told, or is to be told (ROOM_WEBHOOK_URL). A message is tried for a day; then it is dead, until it is\n"
	"sent again from here: then it has a fresh day. The newest come first. Settled ones are kept for 30 days.\n"
	"\n"
	"exit codes: 0 done, 1 failed, or there is no such message, 2 wrong usage\n";

static void print_time(const char *before, int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	char when[32] = "-";
	struct tm tm;

	if (at_ms > 0 && gmtime_r(&at, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ", &tm);
	printf("%s%s", before, when);
}

static void print_item(const struct webhooks_item *i, bool json)
{
	if (json) {
		printf("{\"id\":\"%s\",\"type\":\"%s\",\"state\":\"%s\",\"createdAt\":%lld,\"attempt\":%lld", i->id, i->type, i->state,
			(long long)i->created_at, (long long)i->attempt);
		if (i->conversation)
			printf(",\"sessionId\":\"%s\"", i->conversation);
		if (i->last_error)
			printf(",\"why\":\"%s\"", i->last_error);
		printf(i->done_at > 0 ? ",\"doneAt\":%lld}\n" : ",\"nextAt\":%lld}\n", (long long)(i->done_at > 0 ? i->done_at : i->next_at));
		return;
	}
	printf("%-36s  %-15s  %-9s", i->id, i->type, i->state);
	print_time("  ", i->created_at);
	printf("  tried %lld%s%s", (long long)i->attempt, i->last_error ? ", " : "", i->last_error ? i->last_error : "");
	if (i->done_at == 0)
		print_time(", next ", i->next_at);
	putchar('\n');
}

static int list(struct db *d, const char *state, int limit, bool json)
{
	struct webhooks_item *items;
	struct arena arena;
	enum err e;
	int count;

	arena_init(&arena);
	e = webhooks_list(d, &arena, state, 0, limit, &items, &count);
	for (int i = 0; e == OK && i < count; i++)
		print_item(&items[i], json);
	arena_done(&arena);
	return e == OK ? EXIT_SUCCESS : command_failed("the database: %s", db_why(d));
}

static int resend(struct db *d, const char *id)
{
	int64_t resent = 0;
	enum err e = webhooks_resend(d, id, clock_now_ms(), &resent);

	if (e != OK)
		return command_failed("the database: %s", db_why(d));
	if (id && resent == 0)
		return command_failed("there is no such message, or it is waiting to be sent as it is");
	printf("%lld to be sent again\n", (long long)resent);
	return EXIT_SUCCESS;
}

struct wish {
	const char *state;
	int limit;
	bool json, all_dead;
};

static bool known_state(const char *state)
{
	return strcmp(state, "pending") == 0 || strcmp(state, "delivered") == 0 || strcmp(state, "dead") == 0;
}

/* False: a word that makes no sense. */
static bool read_options(int argc, char **argv, struct wish *w, bool *help)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {"limit", required_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'}, {"all-dead", no_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 's': w->state = optarg; break;
		case 'l': w->limit = atoi(optarg); break;
		case 'j': w->json = true; break;
		case 'a': w->all_dead = true; break;
		case 'h': *help = true; break;
		default: return false;
		}
	}
	return (!w->state || known_state(w->state)) && w->limit > 0 && w->limit <= LIST_MOST;
}

int webhook_command(int argc, char **argv)
{
	struct wish w = {.limit = 100};
	const char *verb, *id;
	struct db *d = NULL;
	bool help = false;
	int code, rest;

	if (!read_options(argc, argv, &w, &help))
		return command_misused(argv[0], NULL);
	if (help)
		return command_help(usage);
	rest = argc - optind;
	verb = rest > 0 ? argv[optind] : "";
	id = rest > 1 ? argv[optind + 1] : NULL;
	if (!(strcmp(verb, "list") == 0 && rest == 1 && !w.all_dead) &&
		!(strcmp(verb, "resend") == 0 && rest <= 2 && (id != NULL) != w.all_dead))
		return command_misused(argv[0], "list, resend ID, or resend --all-dead");
	if (config_load() != 0)
		return EXIT_FAILURE;
	if (db_new(&d, NULL, DB_PATIENCE_MS) != OK)
		return command_failed("ROOM_DB: neither sqlite:<path> nor postgres://<address>");
	code = strcmp(verb, "list") == 0 ? list(d, w.state, w.limit, w.json) : resend(d, id);
	db_free(d);
	return code;
}
