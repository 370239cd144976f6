/* `room migrate`: brings the database to the schema of this program. `room up` does the same before it starts anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/config.h"
#include "room/command.h"
#include "room/database.h"
#include "store/migrate.h"

#define PATIENCE_MS 600000 /* a migration of a large table takes its time, and so does waiting for another host's */
#define LOOK_MS 20000      /* a database that starts together with us */

static const char usage[] =
	"usage: room migrate [--status]\n"
	"\n"
	"Brings the database (ROOM_DB, or SQLite in ROOM_STATE) to the schema of this program. Safe at any time and on several hosts at once;\n"
	"each step happens whole or not at all. `room up` does this by itself.\n"
	"\n"
	"  --status   only list what is applied and what is pending\n"
	"\n"
	"exit codes: 0 up to date, 1 failed (with --status: something is pending or does not fit), 2 wrong usage\n";

/* What stands between database and program, said on standard error; false when nothing does. */
static bool misfit(const struct migrate_report *r)
{
	int ours = r->count > 0 ? r->list[r->count - 1].number : 0;
	bool wrong = r->newest > ours;

	if (wrong)
		command_failed("the database has migration %d, this program knows %d at most: it belongs to a newer version", r->newest, ours);
	for (int i = 0; i < r->count; i++)
		if (r->list[i].altered) {
			command_failed("migration %04d_%s was applied from another text than this program's", r->list[i].number, r->list[i].name);
			wrong = true;
		}
	return wrong;
}

static void print_status(const struct migrate_report *r)
{
	for (int i = 0; i < r->count; i++) {
		const struct migrate_state *m = &r->list[i];
		time_t at = (time_t)(m->applied_at / 1000);
		char when[32] = "pending";
		struct tm tm;
		if (m->applied_at > 0 && gmtime_r(&at, &tm))
			strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ", &tm);
		printf("%04d  %-20s  %s%s\n", m->number, m->name, when, m->altered ? "  (from another text)" : "");
	}
}

static void say_failure(struct db *d, enum err e, const struct migrate_report *r)
{
	if (!(e == ERR_CONFLICT && misfit(r)))
		command_failed("the database: %s", *db_why(d) ? db_why(d) : err_row(e)->message);
}

/* Until it answers, at most LOOK_MS. */
static enum err wait_for_database(struct db *d)
{
	int64_t deadline = clock_mono_ms() + LOOK_MS;
	enum err e;

	while ((e = db_ping(d)) == ERR_STORE_UNAVAILABLE && db_is_postgres(d) && clock_mono_ms() < deadline)
		nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	return e;
}

bool database_prepare(void)
{
	struct migrate_report report = {0};
	struct db *d = NULL;
	struct arena arena;
	enum err e;

	if (db_new(&d, NULL, PATIENCE_MS) != OK)
		return command_failed("ROOM_DB: neither sqlite:<path> nor postgres://<address>"), false;
	arena_init(&arena);
	e = wait_for_database(d);
	if (e == OK)
		e = migrate_run(d, &arena, &report);
	if (e != OK)
		say_failure(d, e, &report);
	else if (report.applied > 0)
		fprintf(stderr, "room: the database has %d new migration%s\n", report.applied, report.applied == 1 ? "" : "s");
	db_free(d);
	arena_done(&arena);
	return e == OK;
}

static int show_status(void)
{
	struct migrate_report report = {0};
	struct db *d = NULL;
	struct arena arena;
	int code = EXIT_FAILURE;
	enum err e;

	if (db_new(&d, NULL, DB_PATIENCE_MS) != OK)
		return command_failed("ROOM_DB: neither sqlite:<path> nor postgres://<address>");
	arena_init(&arena);
	e = migrate_look(d, &arena, &report);
	if (e != OK) {
		say_failure(d, e, &report);
	} else {
		print_status(&report);
		if (!misfit(&report) && report.pending == 0)
			code = EXIT_SUCCESS;
	}
	db_free(d);
	arena_done(&arena);
	return code;
}

int migrate_command(int argc, char **argv)
{
	bool status = false;
	int code = command_flag(argc, argv, usage, "status", &status);

	if (code != COMMAND_GO_ON)
		return code;
	if (config_load() != 0)
		return EXIT_FAILURE;
	if (status)
		return show_status();
	if (!database_prepare())
		return EXIT_FAILURE;
	puts("up to date");
	return EXIT_SUCCESS;
}
