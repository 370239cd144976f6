/* `room config`: every setting, its value and where that comes from. Secrets are never shown. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "room/command.h"

static const char usage[] = "usage: room config [--json]\n"
							"\n"
							"Lists every setting: name, value, default, where the value comes from (default, the file ROOM_ENV, the\n"
							"environment), and what it does. The values of secrets are hidden.\n"
							"\n"
							"  --json   as a JSON array\n"
							"\n"
							"exit codes: 0, or 1 when a setting does not parse\n";

static const char *source_name(enum config_source source)
{
	static const char *const names[] = {[CONFIG_DEFAULT] = "default", [CONFIG_FILE] = "file", [CONFIG_ENVIRONMENT] = "environment"};

	return names[source];
}

/* An address may hold a password (redis://user:password@host): that part is hidden too. */
static char *shown(const struct config_row *row)
{
	const char *value = config_text(row->name), *at, *scheme = strstr(value, "://");
	char *text = NULL;
	int made;

	at = scheme ? strrchr(value, '@') : NULL;
	if (row->secret && *value)
		made = asprintf(&text, "(hidden)");
	else if (at)
		made = asprintf(&text, "%.*s(hidden)%s", (int)(scheme + 3 - value), value, at);
	else
		made = asprintf(&text, "%s", value);
	if (made < 0)
		abort();
	return text;
}

static void print_table(void)
{
	printf("%-24s %-34s %-24s %-12s %s\n", "name", "value", "default", "from", "what it does");
	for (const struct config_row *row = config_rows(); row->name; row++) {
		char *value = shown(row);
		bool unit = row->unit && *row->unit && *value;
		char *both = NULL;
		if (asprintf(&both, "%s%s%s", *value ? value : "-", unit ? " " : "", unit ? row->unit : "") < 0)
			abort();
		printf("%-24s %-34s %-24s %-12s %s\n", row->name, both, *row->fallback ? row->fallback : "-", source_name(config_source(row->name)),
			row->help);
		free(both);
		free(value);
	}
}

static void print_json(void)
{
	json_t *all = json_array();

	for (const struct config_row *row = config_rows(); row->name; row++) {
		char *value = shown(row);
		json_array_append_new(all,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "name", row->name, "value", value, "default", row->fallback, "from",
				source_name(config_source(row->name)), "unit", row->unit ? row->unit : "", "secret", row->secret, "help", row->help));
		free(value);
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

int config_command(int argc, char **argv)
{
	bool as_json = false;
	int code = command_flag(argc, argv, usage, "json", &as_json);

	if (code != COMMAND_GO_ON)
		return code;
	if (config_load() != 0)
		return EXIT_FAILURE;
	if (as_json)
		print_json();
	else
		print_table();
	return EXIT_SUCCESS;
}
