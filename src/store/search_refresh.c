/* The words of conversations, made anew after title, people or names changed: see search.h. Triggers note which (search_stale). */
#include <string.h>

#include "store/search_rows.h"

struct stale {
	const char *asker;
	int most;
	int64_t done;
};

static enum err take(struct db *d, struct arena *a, const struct stale *s, int64_t **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)s->most * sizeof **out);
	*count = 0;
	if (s->asker)
		db_query(&r, d,
			"SELECT s.n FROM search_stale s JOIN members m ON m.conversation = s.n AND m.participant = $1 AND m.left_at IS NULL LIMIT $2 "
			"{postgres: FOR UPDATE OF s SKIP LOCKED}",
			DB_ARGS(db_text(s->asker), db_int(s->most)));
	else
		db_query(&r, d, "SELECT n FROM search_stale LIMIT $1 {postgres: FOR UPDATE SKIP LOCKED}", DB_ARGS(db_int(s->most)));
	while (*count < s->most && db_rows_next(&r))
		(*out)[(*count)++] = db_rows_int(&r, 0);
	return db_rows_done(&r);
}

/* ERR_NOT_FOUND: it is gone. */
static enum err title_of(struct db *d, struct arena *a, int64_t n, struct conversation *out)
{
	struct db_rows r;
	enum err e;

	*out = (struct conversation){.n = n};
	db_query(&r, d, "SELECT title FROM conversations WHERE n = $1", DB_ARGS(db_int(n)));
	if (db_rows_next(&r))
		out->title = db_rows_keep(&r, 0, a);
	e = db_rows_done(&r);
	return e == OK && !out->title ? ERR_NOT_FOUND : e;
}

static enum err make(struct db *d, struct arena *a, int64_t n)
{
	char *scopes, *names, *text, *words;
	struct conversation c;
	enum err e;

	/* First the note: who changes something from now on leaves another one. */
	e = db_exec(d, NULL, "DELETE FROM search_stale WHERE n = $1", DB_ARGS(db_int(n)));
	if (e == OK)
		e = title_of(d, a, n, &c);
	if (e == OK)
		e = search_title_text(d, a, &c, NULL, &scopes, &names);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	text = arena_alloc(a, strlen(c.title) + strlen(names) + 2);
	stpcpy(stpcpy(stpcpy(text, c.title), "\n"), names);
	words = words_index(a, scopes, text, strlen(text));
	if (!words)
		return db_exec(d, NULL, "DELETE FROM search_titles WHERE n = $1", DB_ARGS(db_int(n)));
	return db_exec(d, NULL,
		"INSERT INTO search_titles (n, words) VALUES ($1, $2) ON CONFLICT (n) DO UPDATE SET words = excluded.words WHERE "
		"search_titles.words <> excluded.words",
		DB_ARGS(db_int(n), db_text(words)));
}

static enum err refresh(struct db *d, void *ctx)
{
	struct stale *s = ctx;
	struct arena a;
	int64_t *list;
	int count;
	enum err e;

	s->done = 0;
	arena_init(&a);
	e = take(d, &a, s, &list, &count);
	for (int i = 0; e == OK && i < count; i++)
		e = make(d, &a, list[i]);
	s->done = count;
	arena_done(&a);
	return e;
}

enum err search_refresh(struct db *d, const char *asker, int most, int64_t *done)
{
	struct stale s = {asker, most, 0};
	int64_t some = 0;
	enum err e;

	*done = 0;
	/* Mostly there is nothing, and nobody should wait for the right to write to learn that. */
	if (asker)
		e = db_number(d, &some,
			"SELECT 1 FROM search_stale s JOIN members m ON m.conversation = s.n AND m.participant = $1 AND m.left_at IS NULL LIMIT 1",
			DB_ARGS(db_text(asker)));
	else
		e = db_number(d, &some, "SELECT 1 FROM search_stale LIMIT 1", DB_NONE);
	if (e != OK || some == 0)
		return e;
	e = db_write(d, refresh, &s);
	*done = s.done;
	return e;
}
