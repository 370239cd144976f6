/* See conversations_list.h. Called by chat/conversation. */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fold.h"
#include "store/conversations_list.h"
#include "store/conversations_row.h"

#define LOOK_AT 256    /* rows of a list looked at at once for a text */
#define PATIENCE 15    /* ms that a page looks for a text; what comes after that is left to the next page */
#define NOTHING_YET 50 /* the same while it has found nothing */

/* Columns of every row; then the names, when a text is looked for ($1 of the page's statements); then the asker's. */
#define COLUMNS CONVERSATION_COLUMNS ", c.people, (SELECT e.mark FROM entries e WHERE e.conversation = c.n AND e.position = c.length), "
#define NAMES_OF(person) \
	"CASE WHEN $1 = 1 THEN (SELECT {sqlite: group_concat(p.name, x'0a')}{postgres: string_agg(p.name, chr(10))} FROM members o " \
	"JOIN people p ON p.id = o.participant WHERE o.conversation = c.n AND o.left_at IS NULL AND o.participant <> " person ") END, "
#define MINE "m.role, m.joined_at, m.muted, m.silenced_until, m.read_to, m.delivered_to, m.unread, m.last_at"
#define NOBODY "NULL, 0, 0, 0, 0, 0, 0, c.last_at"
#define FILTERS " AND (CAST($4 AS TEXT) IS NULL OR c.type = $4) AND (CAST($5 AS TEXT) IS NULL OR c.status = $5)"

enum { PEOPLE = CONVERSATION_WIDTH, END_MARK, NAMES, ME, PLACE = ME + 7 };

static struct conversations_place place_of(const struct db_rows *r)
{
	return (struct conversations_place){db_rows_int(r, PLACE), db_rows_int(r, 0)};
}

static void read_view(struct conversation_view *out, const struct db_rows *r, struct arena *a, const char *asker)
{
	*out = (struct conversation_view){.people = db_rows_int(r, PEOPLE), .end_mark = db_rows_keep(r, END_MARK, a), .place = place_of(r)};
	conversation_row_read(&out->c, r, a);
	if (!asker)
		return;
	out->c.me = (struct member){.participant = asker,
		.role = db_rows_keep(r, ME, a),
		.joined_at = db_rows_int(r, ME + 1),
		.muted = db_rows_int(r, ME + 2) != 0,
		.silenced_until = db_rows_int(r, ME + 3),
		.read_to = db_rows_int(r, ME + 4),
		.delivered_to = db_rows_int(r, ME + 5),
		.unread = db_rows_int(r, ME + 6)};
}

/* ---- their people ---- */

static struct conversation_view *view_of(struct conversation_view *views, int count, int64_t n)
{
	for (int i = 0; i < count; i++)
		if (views[i].c.n == n)
			return &views[i];
	return NULL;
}

static void read_person(struct conversation_view *v, const struct db_rows *r, struct arena *a)
{
	if (!v || v->shown_count == CONVERSATIONS_PEOPLE_SHOWN)
		return;
	if (!v->shown)
		v->shown = arena_alloc(a, CONVERSATIONS_PEOPLE_SHOWN * sizeof *v->shown);
	v->shown[v->shown_count++] =
		(struct member){.participant = db_rows_keep(r, 1, a), .role = db_rows_keep(r, 2, a), .name = db_rows_keep(r, 3, a)};
}

/* The first people of all of them in one statement. */
static enum err read_people(struct db *d, struct arena *a, const char *numbers, struct conversation_view *views, int count)
{
	struct db_rows r;

	db_query(&r, d,
		"SELECT m.conversation, m.participant, m.role, COALESCE(p.name, '') "
		"{sqlite: FROM json_each($1) AS j JOIN members m ON m.rowid IN (SELECT o.rowid FROM members o WHERE o.conversation = j.value "
		"AND o.left_at IS NULL ORDER BY o.joined_at, o.participant LIMIT $2)}"
		"{postgres: FROM json_array_elements_text(CAST($1 AS json)) AS j CROSS JOIN LATERAL (SELECT * FROM members o "
		"WHERE o.conversation = CAST(j.value AS BIGINT) AND o.left_at IS NULL ORDER BY o.joined_at, o.participant LIMIT $2) m}"
		" LEFT JOIN people p ON p.id = m.participant ORDER BY m.conversation, m.joined_at, m.participant",
		DB_ARGS(db_text(numbers), db_int(CONVERSATIONS_PEOPLE_SHOWN)));
	while (db_rows_next(&r))
		read_person(view_of(views, count, db_rows_int(&r, 0)), &r, a);
	return db_rows_done(&r);
}

/* Everything that is not in their rows. MainServer reads nothing of what was said. */
static enum err complete(struct db *d, struct arena *a, struct conversation_view *views, int count, bool reads)
{
	struct entry_line *lines;
	struct buf numbers;
	int found = 0;
	enum err e;

	if (count == 0)
		return OK;
	buf_init(&numbers, 65536);
	for (int i = 0; i < count; i++) {
		buf_char(&numbers, i ? ',' : '[');
		buf_int(&numbers, views[i].c.n);
	}
	buf_char(&numbers, ']');
	e = read_people(d, a, numbers.data, views, count);
	if (e == OK && reads)
		e = entries_last_messages(d, a, numbers.data, count, &lines, &found);
	for (int i = 0; i < found; i++) {
		struct conversation_view *v = view_of(views, count, lines[i].conversation);
		if (v)
			v->last = lines[i];
	}
	buf_done(&numbers);
	return e;
}

/* ---- pages ---- */

struct page {
	const struct conversations_query *q;
	const char *person; /* whose list it is; NULL: all there are */
	struct conversation_view *views;
	int count, room; /* one more than asked for: then there is another page */
	struct conversations_place at;
	int looked; /* rows of the last portion */
};

static void take(struct page *p, const struct db_rows *r, struct arena *a)
{
	const char *text = p->q->text;

	p->looked++;
	p->at = place_of(r);
	if (p->count == p->room ||
		(text && !fold_within(db_rows_word(r, CONVERSATION_TITLE), text) && !fold_within(db_rows_word(r, NAMES), text)))
		return;
	read_view(&p->views[p->count++], r, a, p->q->asker);
}

static enum err portion(struct db *d, struct arena *a, struct page *p, int most)
{
	const struct conversations_query *q = p->q;
	const struct db_value text = db_int(q->text != NULL), at = db_int(p->at.at), n = db_int(p->at.n), type = db_text(q->type),
						  status = db_text(q->status), limit = db_int(most);
	struct db_rows r;

	p->looked = 0;
	if (!p->person)
		db_query(&r, d,
			"SELECT " COLUMNS NAMES_OF("''") NOBODY " FROM conversations c WHERE CAST($2 AS BIGINT) > 0 AND c.n < $3" FILTERS
													" ORDER BY c.n DESC LIMIT $6",
			DB_ARGS(text, at, n, type, status, limit));
	else
		db_query(&r, d,
			"SELECT " COLUMNS NAMES_OF("$7") MINE
			" FROM members m JOIN conversations c ON c.n = m.conversation "
			"WHERE m.participant = $7 AND m.left_at IS NULL AND (m.last_at, m.conversation) < ($2, $3)" FILTERS
			" AND (CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM members o WHERE o.conversation = m.conversation AND o.participant = "
			"$8 "
			"AND o.left_at IS NULL)) ORDER BY m.last_at DESC, m.conversation DESC LIMIT $6",
			DB_ARGS(text, at, n, type, status, limit, db_text(p->person), db_text(q->asker ? q->participant : NULL)));
	while (db_rows_next(&r))
		take(p, &r, a);
	return db_rows_done(&r);
}

struct listing {
	struct arena *a;
	const struct conversations_query *q;
	struct conversation_view **out;
	int *count;
	struct conversations_place *next;
};

static enum err list(struct db *d, void *ctx)
{
	struct listing *l = ctx;
	const struct conversations_query *q = l->q;
	int64_t began = clock_mono_ms();
	struct page p = {.q = q, .person = q->asker ? q->asker : q->participant, .room = q->limit + 1, .at = q->after};
	int most = q->text ? LOOK_AT : p.room;
	enum err e;

	p.views = arena_alloc(l->a, (size_t)p.room * sizeof *p.views);
	if (p.at.n == 0)
		p.at = (struct conversations_place){INT64_MAX, INT64_MAX};
	do
		e = portion(d, l->a, &p, most);
	while (e == OK && p.count < p.room && p.looked == most && clock_mono_ms() - began < (p.count > 0 ? PATIENCE : NOTHING_YET));
	*l->next = (struct conversations_place){0, 0};
	if (p.count == p.room)
		*l->next = p.views[--p.count - 1].place;
	else if (p.looked == most)
		*l->next = p.at;
	*l->out = p.views;
	*l->count = p.count;
	return e == OK ? complete(d, l->a, p.views, p.count, q->asker != NULL) : e;
}

enum err conversations_list(struct db *d, struct arena *a, const struct conversations_query *q, struct conversation_view **out, int *count,
	struct conversations_place *next)
{
	struct listing l = {.a = a, .q = q, .out = out, .next = next};

	l.count = count;
	return db_read(d, list, &l);
}

struct viewing {
	struct arena *a;
	const char *id, *asker;
	struct conversation_view *out;
};

static enum err view(struct db *d, void *ctx)
{
	const struct viewing *v = ctx;
	struct db_rows r;
	enum err e;

	if (v->asker)
		db_query(&r, d,
			"SELECT " COLUMNS "NULL, " MINE
			" FROM conversations c JOIN members m ON m.conversation = c.n WHERE c.id = $1 AND m.participant = $2 "
			"AND m.left_at IS NULL",
			DB_ARGS(db_text(v->id), db_text(v->asker)));
	else
		db_query(&r, d, "SELECT " COLUMNS "NULL, " NOBODY " FROM conversations c WHERE c.id = $1", DB_ARGS(db_text(v->id)));
	if (db_rows_next(&r))
		read_view(v->out, &r, v->a, v->asker);
	e = db_rows_found(&r);
	return e == OK ? complete(d, v->a, v->out, 1, v->asker != NULL) : e;
}

enum err conversations_view(struct db *d, struct arena *a, const char *id, const char *asker, struct conversation_view *out)
{
	struct viewing v = {a, id, asker, out};

	return db_read(d, view, &v);
}
