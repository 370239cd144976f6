/* Migrations: see migrate.h. Every step looks and works under the same lock, so it does not matter who else is at it, or where an earlier run died. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "store/migrate.h"

struct step {
	struct arena *arena;
	const struct sql_source *sources;
	size_t count;
	struct migrate_report *report;
	bool did; /* this step applied one */
};

/* In transaction: nobody else migrates until its end. BEGIN IMMEDIATE is that lock on SQLite. The number is "room" in ASCII. */
static enum err lock(struct db *d)
{
	struct db_rows r;

	if (!db_is_postgres(d))
		return OK;
	db_query(&r, d, "SELECT pg_advisory_xact_lock(1919905645)", DB_NONE);
	return db_rows_done(&r);
}

static enum err make_table(struct db *d)
{
	return db_script(d,
		"CREATE TABLE IF NOT EXISTS schema_migrations ("
		"number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)");
}

static enum err has_table(struct db *d, bool *has)
{
	int64_t n;
	enum err e = db_number(d, &n,
		"SELECT count(*) FROM {sqlite: sqlite_schema WHERE type = 'table' AND name =}"
		"{postgres: pg_tables WHERE schemaname = current_schema() AND tablename =} 'schema_migrations'",
		DB_NONE);

	*has = n > 0;
	return e;
}

static void checksum(char out[17], const struct sql_source *s)
{
	snprintf(out, 17, "%016llx", (unsigned long long)id_fnv(s->text, s->len));
}

static bool is_for(const struct db *d, const struct sql_source *s)
{
	return *s->dialect == '\0' || strcmp(s->dialect, db_is_postgres(d) ? "postgres" : "sqlite") == 0;
}

/* The list of ours that are for this database, none applied. */
static void report_start(struct db *d, struct step *s)
{
	struct migrate_report *r = s->report;

	r->list = arena_alloc(s->arena, (s->count + 1) * sizeof *r->list);
	r->count = 0;
	r->newest = 0;
	for (size_t i = 0; i < s->count; i++)
		if (is_for(d, &s->sources[i]))
			r->list[r->count++] = (struct migrate_state){.number = s->sources[i].number, .name = s->sources[i].name};
	r->pending = r->count;
}

static const struct sql_source *source_of(const struct db *d, const struct step *s, int number)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->sources[i].number == number && is_for(d, &s->sources[i]))
			return &s->sources[i];
	return NULL;
}

/* Fills the report from what the database has recorded. */
static enum err recorded(struct db *d, struct step *s)
{
	struct migrate_report *report = s->report;
	struct db_rows r;

	db_query(&r, d, "SELECT number, checksum, applied_at FROM schema_migrations ORDER BY number", DB_NONE);
	while (db_rows_next(&r)) {
		int number = (int)db_rows_int(&r, 0);
		report->newest = number;
		for (int i = 0; i < report->count; i++) {
			char ours[17];
			if (report->list[i].number != number)
				continue;
			checksum(ours, source_of(d, s, number));
			report->list[i].applied_at = db_rows_int(&r, 2);
			report->list[i].altered = strcmp(ours, db_rows_word(&r, 1)) != 0;
			report->pending--;
		}
	}
	return db_rows_done(&r);
}

/* May we go on from here? */
static bool sound(const struct migrate_report *r)
{
	for (int i = 0; i < r->count; i++)
		if (r->list[i].altered)
			return false;
	return r->newest <= (r->count > 0 ? r->list[r->count - 1].number : 0);
}

static enum err apply(struct db *d, struct step *s, struct migrate_state *m)
{
	const struct sql_source *source = source_of(d, s, m->number);
	int64_t now = clock_now_ms();
	char sum[17];
	enum err e = db_script(d, source->text);

	checksum(sum, source);
	if (e == OK)
		e = db_exec(d, NULL, "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
			DB_ARGS(db_int(m->number), db_text(m->name), db_text(sum), db_int(now)));
	if (e != OK)
		return e;
	m->applied_at = now;
	s->report->pending--;
	s->did = true;
	return OK;
}

/* The next one that is pending, if there is any; a transaction. */
static enum err one(struct db *d, void *ctx)
{
	struct step *s = ctx;
	enum err e;

	s->did = false;
	report_start(d, s);
	e = lock(d);
	if (e == OK)
		e = make_table(d);
	if (e == OK)
		e = recorded(d, s);
	if (e == OK && !sound(s->report))
		e = ERR_CONFLICT;
	for (int i = 0; e == OK && i < s->report->count; i++)
		if (s->report->list[i].applied_at == 0)
			return apply(d, s, &s->report->list[i]);
	return e;
}

static enum err look(struct db *d, void *ctx)
{
	struct step *s = ctx;
	bool has;
	enum err e = has_table(d, &has);

	report_start(d, s);
	return e == OK && has ? recorded(d, s) : e;
}

enum err migrate_look_from(struct db *d, struct arena *a, const struct sql_source *sources, size_t count, struct migrate_report *out)
{
	struct step s = {.arena = a, .sources = sources, .count = count, .report = out};

	*out = (struct migrate_report){0};
	return db_read(d, look, &s);
}

enum err migrate_run_from(struct db *d, struct arena *a, const struct sql_source *sources, size_t count, struct migrate_report *out)
{
	struct step s = {.arena = a, .sources = sources, .count = count, .report = out};
	int unknown = 0;
	enum err e;

	/* First a look without a lock: usually there is nothing to do, and a `room up` beside a long migration need not wait to learn that. */
	e = migrate_look_from(d, a, sources, count, out);
	if (e != OK || !sound(out))
		return e != OK ? e : ERR_CONFLICT;
	if (out->pending == 0)
		return OK;
	*out = (struct migrate_report){0};
	for (;;) {
		s.did = false;
		e = db_write(d, one, &s);
		if (e == OK && s.did)
			out->applied++;
		else if (e != ERR_STORE_UNAVAILABLE || !db_uncertain(d) || ++unknown > 3) /* after an unknown COMMIT the next look tells */
			return e;
	}
}

enum err migrate_look(struct db *d, struct arena *a, struct migrate_report *out)
{
	return migrate_look_from(d, a, sql_sources, sql_source_count, out);
}

enum err migrate_run(struct db *d, struct arena *a, struct migrate_report *out)
{
	return migrate_run_from(d, a, sql_sources, sql_source_count, out);
}
