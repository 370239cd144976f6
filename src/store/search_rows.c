/* What a search asks of the databases: see search_rows.h and sql/0008. */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "store/search_rows.h"

#define EXPRESSION_MAX 65536
#define SCOPES_MOST 64      /* of a person's conversations that are named to the index; with more, each row is asked for its members */
#define BEGINNINGS_MOST 128 /* words with one beginning that are named to FTS5; with more, it gathers them itself */
#define AT_ONCE 256         /* rows of a statement */
#define LETTERS_LISTED 3    /* FTS5's prefix='3' */

/* ---- scopes ---- */

void search_scope_number(char out[SEARCH_SCOPE_MAX], int64_t conversation)
{
	snprintf(out, SEARCH_SCOPE_MAX, "=%lld", (long long)conversation);
}

void search_scope_person(char out[SEARCH_SCOPE_MAX], const char *participant)
{
	snprintf(out, SEARCH_SCOPE_MAX, "=%016llx", (unsigned long long)id_fnv(participant, strlen(participant)));
}

char *search_message_words(struct arena *a, int64_t conversation, const char *content, size_t len)
{
	char scope[SEARCH_SCOPE_MAX];

	search_scope_number(scope, conversation);
	return words_index(a, scope, content, len);
}

/* ---- the expression ---- */

/* FTS5: "a" AND ("b" OR "c") AND "beg" *; tsquery: 'a' & ('b' | 'c') & 'beg':*. Words hold no quote, see words.h. */
struct expression {
	struct buf b;
	bool postgres, some;
};

static void word(struct expression *x, const char *text, size_t len, bool beginning)
{
	char q = x->postgres ? '\'' : '"';

	buf_char(&x->b, q);
	buf_add(&x->b, text, len);
	buf_char(&x->b, q);
	if (beginning)
		buf_str(&x->b, x->postgres ? ":*" : " *");
}

static void and (struct expression * x)
{
	if (x->some)
		buf_str(&x->b, x->postgres ? " & " : " AND ");
	x->some = true;
}

static void or (struct expression * x, int i)
{
	if (i > 0)
		buf_str(&x->b, x->postgres ? " | " : " OR ");
}

static enum err scope(struct db *d, struct expression *x, const struct search_window *w)
{
	const struct search_ask *ask = w->ask;
	int64_t numbers[SCOPES_MOST + 1];
	char text[SEARCH_SCOPE_MAX];
	struct db_rows r;
	int count = 0;
	enum err e;

	if (ask->within) {
		numbers[count++] = ask->within->n;
	} else {
		db_query(&r, d, "SELECT conversation FROM members WHERE participant = $1 AND left_at IS NULL ORDER BY last_at DESC LIMIT $2",
			DB_ARGS(db_text(ask->asker), db_int(SCOPES_MOST + 1)));
		while (count <= SCOPES_MOST && db_rows_next(&r))
			numbers[count++] = db_rows_int(&r, 0);
		e = db_rows_done(&r);
		if (e != OK || count == 0)
			return e != OK ? e : ERR_NOT_FOUND;
	}
	if (count > SCOPES_MOST)
		return OK;
	and(x);
	buf_char(&x->b, '(');
	for (int i = 0; i < count; i++) {
		search_scope_number(text, numbers[i]);
		or (x, i);
		word(x, text, strlen(text), false);
	}
	buf_char(&x->b, ')');
	return OK;
}

static void scope_of_titles(struct expression *x, const struct search_window *w)
{
	char text[SEARCH_SCOPE_MAX];

	search_scope_person(text, w->ask->asker);
	and(x);
	buf_char(&x->b, '(');
	word(x, text, strlen(text), false);
	or (x, 1);
	word(x, SEARCH_SCOPE_MANY, sizeof SEARCH_SCOPE_MANY - 1, false);
	buf_char(&x->b, ')');
}

static size_t letters(const struct word *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->len; i++)
		n += ((unsigned char)w->text[i] & 0xc0) != 0x80;
	return n;
}

/* The next word of the index at or after `from` in *found; "" when there is none with that beginning. */
static enum err next_word(struct db *d, const struct search_window *w, const struct word *beginning, const char *from, char **found)
{
	struct db_rows r;

	*found = NULL;
	db_query(&r, d,
		w->titles ? "SELECT term FROM search_names WHERE term >= $1 LIMIT 1" : "SELECT term FROM search_words WHERE term >= $1 LIMIT 1",
		DB_ARGS(db_text(from)));
	if (db_rows_next(&r) && strncmp(db_rows_word(&r, 0), beginning->text, beginning->len) == 0)
		*found = db_rows_keep(&r, 0, w->arena);
	return db_rows_done(&r);
}

/* FTS5 gathers all rows of all words with a beginning before it names the first one: 100 ms where a million rows hold one of them. Named one by
 * one they are read newest first, as far as needed. ERR_NOT_FOUND: no such word. */
static enum err beginning(struct db *d, struct expression *x, const struct search_window *w, const struct word *open)
{
	char *found[BEGINNINGS_MOST + 1];
	const char *from = open->text;
	int count = 0;
	enum err e;

	if (x->postgres || letters(open) == LETTERS_LISTED) {
		word(x, open->text, open->len, true);
		return OK;
	}
	while (count <= BEGINNINGS_MOST) {
		char *after;
		e = next_word(d, w, open, from, &found[count]);
		if (e != OK)
			return e;
		if (!found[count])
			break;
		after = arena_alloc(w->arena, strlen(found[count]) + 2);
		stpcpy(stpcpy(after, found[count]), "\x01"); /* stands before every other word with this beginning */
		from = after;
		count++;
	}
	if (count == 0)
		return ERR_NOT_FOUND;
	buf_char(&x->b, '(');
	for (int i = 0; count <= BEGINNINGS_MOST && i < count; i++) {
		or (x, i);
		word(x, found[i], strlen(found[i]), false);
	}
	if (count > BEGINNINGS_MOST)
		word(x, open->text, open->len, true);
	buf_char(&x->b, ')');
	return OK;
}

static enum err sought(struct db *d, struct expression *x, const struct search_window *w)
{
	const struct search_query *q = w->ask->query;
	enum err e = OK;

	for (size_t i = 0; i < q->count; i++)
		for (size_t j = 0; e == OK && j < q->phrases[i].count; j++) {
			const struct word *one = &q->phrases[i].words[j];
			and(x);
			if (one == q->open)
				e = beginning(d, x, w, one);
			else
				word(x, one->text, one->len, false);
		}
	return e;
}

enum err search_rows_prepare(struct db *d, struct search_window *w)
{
	struct expression x = {.postgres = db_is_postgres(d)};
	enum err e = OK;

	buf_init(&x.b, EXPRESSION_MAX);
	if (w->titles)
		scope_of_titles(&x, w);
	else
		e = scope(d, &x, w);
	if (e == OK)
		e = sought(d, &x, w);
	if (e == OK && !buf_ok(&x.b))
		e = ERR_INTERNAL;
	if (e == OK)
		w->expression = arena_strndup(w->arena, x.b.data, x.b.len);
	buf_done(&x.b);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- rows ---- */

enum err search_rows_top(struct db *d, const struct search_window *w, int64_t *top)
{
	enum err e = db_number(d, top, w->titles ? "SELECT max(n) FROM conversations" : "SELECT max(n) FROM entries", DB_NONE);

	++*top;
	return e;
}

static void read_conversation(struct search_window *w, const struct db_rows *r, int column, struct conversation *out)
{
	*out = (struct conversation){
		.n = db_rows_int(r, column),
		.id = db_rows_keep(r, column + 1, w->arena),
		.type = db_rows_keep(r, column + 2, w->arena),
		.title = db_rows_keep(r, column + 3, w->arena),
		.floor = db_rows_int(r, column + 4),
		.last_at = db_rows_int(r, column + 5),
	};
}

/* True: it holds what is looked for; *weight says how well. */
static bool holds(const struct search_window *w, const char *text, size_t len, double *weight)
{
	struct search_hits hits;
	struct arena scratch;
	bool found;

	arena_init(&scratch);
	found = search_query_match(&hits, &scratch, w->ask->query, text, len);
	*weight = hits.weight;
	arena_done(&scratch);
	return found;
}

/* One row of the index. False: enough. */
static bool take_message(struct search_window *w, const struct db_rows *r)
{
	const char *text = db_rows_text(r, 3);
	struct search_find f = {.n = db_rows_int(r, 0), .position = db_rows_int(r, 1), .at = db_rows_int(r, 2)};
	double weight;

	w->looked++;
	w->bottom = f.n;
	if (!text || !holds(w, text, strlen(text), &weight))
		return true;
	read_conversation(w, r, 4, &f.c);
	return search_window_add(w, &f, text, strlen(text), weight);
}

/* Content is only read where the asker may see it: NULL otherwise. Each row comes all the same, so that time can be looked at. */
#define READABLE \
	"CASE WHEN m.participant IS NOT NULL AND m.left_at IS NULL AND e.position > c.floor AND e.deleted_at IS NULL AND e.kind = 'm' THEN " \
	"e.content END"
#define COLUMNS "e.n, e.position, e.at, " READABLE ", c.n, c.id, c.type, c.title, c.floor, c.last_at "

enum err search_rows_messages(struct db *d, struct search_window *w, int64_t low, int64_t high)
{
	bool more = true;

	while (more && high > low && !search_window_late(w)) {
		struct db_rows r;
		int rows = 0;
		enum err e;
		db_query(&r, d,
			"SELECT " COLUMNS
			"FROM {sqlite: search_messages s CROSS JOIN entries e ON e.n = s.rowid CROSS JOIN}{postgres: entries e JOIN} conversations c "
			"ON c.n = e.conversation LEFT JOIN members m ON m.conversation = e.conversation AND m.participant = $1 WHERE "
			"{sqlite: s.search_messages MATCH $2 AND s.rowid < $3 AND s.rowid >= $4 ORDER BY s.rowid DESC}"
			"{postgres: array_to_tsvector(string_to_array(e.words, ' ')) @@ CAST($2 AS tsquery) AND e.words IS NOT NULL AND e.n < $3 AND "
			"e.n >= $4 ORDER BY e.n DESC} LIMIT $5",
			DB_ARGS(db_text(w->ask->asker), db_text(w->expression), db_int(high), db_int(low), db_int(AT_ONCE)));
		while (more && db_rows_next(&r)) {
			rows++;
			more = take_message(w, &r) && (rows % 32 != 0 || !search_window_late(w));
		}
		e = db_rows_done(&r);
		if (e != OK)
			return e;
		high = w->bottom;
		if (more && rows < AT_ONCE) {
			w->looked++; /* that there is nothing is news as well */
			w->bottom = low;
			return OK;
		}
	}
	return OK;
}

/* ---- conversations ---- */

enum err search_title_text(struct db *d, struct arena *a, const struct conversation *c, const char *but, char **scopes, char **names)
{
	char one[SEARCH_SCOPE_MAX];
	struct buf scope, name;
	struct member *people;
	int count;
	enum err e = conversations_members(d, a, c->n, SEARCH_PEOPLE + 1, &people, &count);

	buf_init(&scope, EXPRESSION_MAX);
	buf_init(&name, EXPRESSION_MAX);
	for (int i = 0; e == OK && i < count && i < SEARCH_PEOPLE; i++) {
		search_scope_person(one, people[i].participant);
		buf_printf(&scope, "%s%s", i > 0 ? " " : "", one);
		if (*people[i].name && (!but || strcmp(people[i].participant, but) != 0))
			buf_printf(&name, "%s%s", name.len > 0 ? ", " : "", people[i].name);
	}
	if (count > SEARCH_PEOPLE)
		buf_str(&scope, " " SEARCH_SCOPE_MANY);
	*scopes = arena_strndup(a, scope.data ? scope.data : "", scope.len);
	*names = arena_strndup(a, name.data ? name.data : "", name.len);
	buf_done(&scope);
	buf_done(&name);
	return e;
}

/* By its title (which counts twice), or by title and names. */
static enum err take_title(struct db *d, struct search_window *w, struct search_find *f, bool *more)
{
	char *scopes, *names, *text;
	double weight;
	enum err e;

	*more = true;
	if (holds(w, f->c.title, strlen(f->c.title), &weight)) {
		*more = search_window_add(w, f, f->c.title, strlen(f->c.title), 2 * weight);
		return OK;
	}
	e = search_title_text(d, w->arena, &f->c, w->ask->asker, &scopes, &names);
	if (e != OK)
		return e;
	text = arena_alloc(w->arena, strlen(f->c.title) + strlen(names) + sizeof " · ");
	stpcpy(stpcpy(stpcpy(text, f->c.title), *f->c.title && *names ? " · " : ""), names);
	if (holds(w, text, strlen(text), &weight))
		*more = search_window_add(w, f, text, strlen(text), weight);
	return OK;
}

/* Those that he is in; the others' numbers only. */
static enum err list_titles(struct db *d, struct search_window *w, int64_t low, int64_t high, struct search_find *out, int *rows)
{
	struct db_rows r;

	*rows = 0;
	db_query(&r, d,
		"SELECT s.{sqlite:rowid}{postgres:n}, m.participant IS NOT NULL AND m.left_at IS NULL, c.n, c.id, c.type, c.title, c.floor, "
		"c.last_at FROM "
		"{sqlite: search_conversations s CROSS JOIN conversations c ON c.n = s.rowid}{postgres: search_titles s JOIN conversations c ON "
		"c.n = s.n} "
		"LEFT JOIN members m ON m.conversation = c.n AND m.participant = $1 WHERE "
		"{sqlite: s.search_conversations MATCH $2 AND s.rowid < $3 AND s.rowid >= $4 ORDER BY s.rowid DESC}"
		"{postgres: array_to_tsvector(string_to_array(s.words, ' ')) @@ CAST($2 AS tsquery) AND s.n < $3 AND s.n >= $4 ORDER BY s.n DESC} "
		"LIMIT $5",
		DB_ARGS(db_text(w->ask->asker), db_text(w->expression), db_int(high), db_int(low), db_int(AT_ONCE)));
	while (*rows < AT_ONCE && db_rows_next(&r)) {
		struct search_find *f = &out[(*rows)++];
		*f = (struct search_find){.n = db_rows_int(&r, 0), .at = db_rows_int(&r, 7)};
		if (strchr("1t", *db_rows_word(&r, 1)))
			read_conversation(w, &r, 2, &f->c);
	}
	return db_rows_done(&r);
}

enum err search_rows_titles(struct db *d, struct search_window *w, int64_t low, int64_t high)
{
	bool more = true;

	while (more && high > low && !search_window_late(w)) {
		struct search_find *list = arena_alloc(w->arena, AT_ONCE * sizeof *list);
		int rows;
		enum err e = list_titles(d, w, low, high, list, &rows);
		for (int i = 0; e == OK && more && i < rows; i++) {
			w->looked++;
			w->bottom = list[i].n;
			if (list[i].c.id)
				e = take_title(d, w, &list[i], &more);
			more = more && (i % 32 != 31 || !search_window_late(w));
		}
		if (e != OK)
			return e;
		high = w->bottom;
		if (more && rows < AT_ONCE) {
			w->looked++;
			w->bottom = low;
			return OK;
		}
	}
	return OK;
}
