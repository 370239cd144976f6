/* What the programs about tables share: `d` on a migrated database, `arena`, and a sealing key. */
#ifndef DBTABLES_H
#define DBTABLES_H

#include "dbtest.h"
#include "base/config.h"
#include "base/seal.h"
#include "store/migrate.h"

static struct arena arena;
static struct db *d;

static int tables(void **state)
{
	struct migrate_report report;
	const char *why;

	setenv("ROOM_KEYS", "k1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 1);
	if (config_load() != 0 || seal_setup(&why) != OK || fresh(state) != 0)
		return -1;
	arena_init(&arena);
	d = connection();
	return migrate_run(d, &arena, &report) == OK ? 0 : -1;
}

static int tables_done(void **state)
{
	(void)state;
	db_free(d);
	arena_done(&arena);
	seal_done();
	config_done();
	return 0;
}

#define table_test(f) cmocka_unit_test_setup_teardown(f, tables, tables_done)

#endif
