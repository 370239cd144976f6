/* What feeds are filled with. See follow.h. */
#include <string.h>

#include "store/follow.h"

enum { MEMBERS_MOST = 5000, RUN_MOST = 100, LINES_MOST = 250, LINES_BYTES = 256 * 1024 };

/* ---- a feed's entries as they are now ---- */

/* A conversation of the page, looked at once. */
struct known {
	struct known *next;
	bool gone, member;
	struct conversation c;
};

struct filling {
	struct arena *arena;
	const char *user, *login;
	struct follow_item *items;
	int count, filled;
	size_t bytes;
	struct known *known;
};

static enum err know(struct db *d, struct filling *f, const char *id, struct known **out)
{
	struct known *k = f->known;
	enum err e;

	while (k != NULL && strcmp(k->c.id, id) != 0)
		k = k->next;
	*out = k;
	if (k != NULL)
		return OK;
	*out = k = arena_alloc(f->arena, sizeof *k);
	k->next = f->known;
	f->known = k;
	e = conversations_get(d, f->arena, id, f->user, &k->c);
	k->member = e == OK;
	if (e == ERR_NOT_FOUND)
		e = conversations_get(d, f->arena, id, NULL, &k->c);
	k->gone = e == ERR_NOT_FOUND;
	k->c.id = id;
	return k->gone ? OK : e;
}

/* Who is out is told of his leaving, and of nothing else. */
static bool may_see(const struct known *k, const char *user, const struct entry_line *line)
{
	static const char start[] = "\"participant\":\"";
	const char *left, *who;

	if (k->member)
		return true;
	left = strstr(line->bytes, "\nuser:left\n");
	who = line->bytes[0] == 's' && left != NULL ? strstr(left, start) : NULL;
	return who != NULL && strncmp(who + sizeof start - 1, user, strlen(user)) == 0 && who[sizeof start - 1 + strlen(user)] == '"';
}

/* How many items from the first on stand one behind the other in the same conversation. */
static int run_of(const struct filling *f)
{
	const struct follow_item *first = &f->items[f->filled];
	int n = 1;

	while (f->filled + n < f->count && n < RUN_MOST && first[n].position == first->position + n &&
		strcmp(first[n].conversation, first->conversation) == 0)
		n++;
	return n;
}

static enum err fill_run(struct db *d, struct filling *f)
{
	struct follow_item *item = &f->items[f->filled];
	struct entry_line *lines = NULL;
	struct known *k;
	int n = run_of(f), count = 0;
	enum err e = know(d, f, item->conversation, &k);

	if (e == OK && !k->gone && item->position > 0)
		e = entries_after(d, f->arena, &k->c, item->position - 1, NULL, n, f->bytes, &lines, &count);
	if (e != OK)
		return e;
	/* What did not fit is for the next run. */
	if (count > 0 && lines[count - 1].position < item[n - 1].position)
		n = (int)(lines[count - 1].position - item->position) + 1;
	for (int i = 0; i < n; i++)
		item[i].gone = k->gone;
	for (int i = 0; i < count; i++) {
		int64_t at = lines[i].position - item->position;
		f->bytes -= lines[i].len < f->bytes ? lines[i].len : f->bytes;
		if (at >= 0 && at < n && may_see(k, f->user, &lines[i]))
			item[at].line = lines[i];
	}
	f->filled += n;
	return OK;
}

static enum err fill(struct db *d, void *ctx)
{
	struct filling *f = ctx;
	size_t room = f->bytes;
	enum err e = f->login != NULL ? follow_login(d, f->login) : OK;

	f->filled = 0;
	f->known = NULL;
	while (e == OK && f->filled < f->count && (f->filled == 0 || f->bytes > 0))
		e = fill_run(d, f);
	f->bytes = room;
	return e;
}

enum err follow_fill(
	struct db *d, struct arena *a, const char *user, const char *login, struct follow_item *items, int count, size_t bytes, int *filled)
{
	struct filling f = {.arena = a, .user = user, .login = login, .items = items, .count = count, .bytes = bytes};
	enum err e = db_read(d, fill, &f);

	*filled = f.filled;
	return e;
}

/* ---- what is not announced yet ---- */

/* Names in a JSON array of ids. */
static void take_names(struct arena *a, const char *json, struct follow_change *c)
{
	int most = 1;

	for (const char *p = json; *p != '\0'; p++)
		most += *p == ',';
	c->members = arena_alloc(a, (size_t)most * sizeof *c->members);
	for (const char *p = strchr(json, '"'); p != NULL && c->member_count < most; p = strchr(p, '"')) {
		const char *end = strchr(++p, '"');
		if (end == NULL)
			return;
		c->members[c->member_count++].participant = arena_strndup(a, p, (size_t)(end - p));
		p = end + 1;
	}
}

/* Who is in it, and who left lately: he is told so. */
static enum err take_members(struct db *d, struct arena *a, int64_t n, int64_t since, struct follow_change *c)
{
	struct db_rows r;

	c->members = arena_alloc(a, MEMBERS_MOST * sizeof *c->members);
	db_query(&r, d,
		"SELECT participant, COALESCE(left_at, 0) FROM members WHERE conversation = $1 AND (left_at IS NULL OR left_at > $2) LIMIT $3",
		DB_ARGS(db_int(n), db_int(since), db_int(MEMBERS_MOST)));
	while (c->member_count < MEMBERS_MOST && db_rows_next(&r)) {
		struct member *m = &c->members[c->member_count++];
		m->participant = db_rows_keep(&r, 0, a);
		m->left_at = db_rows_int(&r, 1);
	}
	return db_rows_done(&r);
}

struct changing {
	struct arena *arena;
	int64_t since, until;
	const struct follow_part *parts;
	struct follow_change *first;
};

/* The outbox's rows, by conversation. */
static enum err take_rows(struct db *d, struct changing *g)
{
	struct db_rows r;
	struct follow_change **end = &g->first;

	db_query(&r, d,
		"SELECT conversation, MIN(position), MAX(at), MAX(COALESCE(data, '')), MAX(position) FROM outbox WHERE at > $1 "
		"GROUP BY conversation ORDER BY MAX(at) DESC LIMIT $2",
		DB_ARGS(db_int(g->since), db_int(CHANGES_MOST)));
	while (db_rows_next(&r)) {
		struct follow_change *c = arena_alloc(g->arena, sizeof *c);
		c->conversation = db_rows_keep(&r, 0, g->arena);
		c->gone = db_rows_int(&r, 1) == 0;
		c->at = db_rows_int(&r, 2);
		c->from = db_rows_int(&r, 1);
		c->to = db_rows_int(&r, 4);
		if (c->gone)
			take_names(g->arena, db_rows_word(&r, 3), c);
		if (c->at > g->until)
			g->until = c->at;
		*end = c;
		end = &c->next;
	}
	return db_rows_done(&r);
}

static const struct follow_part *part_of(const struct changing *g, const char *conversation)
{
	const struct follow_part *part = g->parts;

	while (part != NULL && strcmp(part->conversation, conversation) != 0)
		part = part->next;
	return part;
}

/* Also those of whose rows no more are young enough. */
static void add_parts(struct changing *g)
{
	for (const struct follow_part *part = g->parts; part != NULL; part = part->next) {
		struct follow_change *c = g->first;
		while (c != NULL && strcmp(c->conversation, part->conversation) != 0)
			c = c->next;
		if (c != NULL)
			continue;
		c = arena_alloc(g->arena, sizeof *c);
		*c = (struct follow_change){.next = g->first, .conversation = part->conversation, .at = INT64_MAX, .from = part->to + 1};
		g->first = c;
	}
}

static enum err changes(struct db *d, void *ctx)
{
	struct changing *g = ctx;

	g->first = NULL;
	g->until = g->since;
	enum err e = take_rows(d, g);
	add_parts(g);
	for (struct follow_change *c = g->first; e == OK && c != NULL; c = c->next) {
		const struct follow_part *part = part_of(g, c->conversation);
		int64_t first = part != NULL ? part->to : c->from - 1 - FOLLOW_BEFORE;
		struct conversation k;
		if (c->gone)
			continue;
		e = conversations_get(d, g->arena, c->conversation, NULL, &k);
		if (e == ERR_NOT_FOUND) {
			e = OK; /* erased meanwhile: its own row says so */
			continue;
		}
		if (e == OK && c->to == 0)
			c->to = k.length;
		if (e == OK)
			e = entries_after(d, g->arena, &k, first > k.floor ? first : k.floor, NULL, LINES_MOST, LINES_BYTES, &c->lines, &c->count);
		if (e == OK)
			e = take_members(d, g->arena, k.n, g->since, c);
	}
	return e;
}

enum err follow_changes(
	struct db *d, struct arena *a, int64_t since, const struct follow_part *parts, struct follow_change **out, int64_t *until)
{
	struct changing g = {.arena = a, .since = since, .parts = parts};
	enum err e = db_read(d, changes, &g);

	*out = g.first;
	*until = g.until;
	return e;
}

/* ---- conversations of very many people ---- */

enum { RECENT_MOST = 500 };

enum err follow_large(struct db *d, struct arena *a, const char *user, int64_t people, int most, struct follow_large **out, int *count)
{
	struct db_rows r;

	*out = arena_alloc(a, (size_t)most * sizeof **out);
	*count = 0;
	db_query(&r, d,
		"SELECT c.id, c.length, m.unread FROM (SELECT conversation, unread, last_at FROM members WHERE participant = $1 AND left_at IS "
		"NULL "
		"ORDER BY last_at DESC, conversation DESC LIMIT $2) m JOIN conversations c ON c.n = m.conversation WHERE c.people > $3 "
		"ORDER BY m.last_at DESC LIMIT $4",
		DB_ARGS(db_text(user), db_int(RECENT_MOST), db_int(people), db_int(most)));
	while (*count < most && db_rows_next(&r)) {
		struct follow_large *l = &(*out)[(*count)++];
		*l = (struct follow_large){db_rows_keep(&r, 0, a), db_rows_int(&r, 1), db_rows_int(&r, 2)};
	}
	return db_rows_done(&r);
}
