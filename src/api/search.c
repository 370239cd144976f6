/* GET /api/search: a user's search through the conversations he is in (store/search.h). */
#include <pthread.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "chat/entry.h"
#include "store/dbpool.h"
#include "store/entries.h"
#include "store/search.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MOST 50
#define ANSWER_MAX_BYTES (8 * 1024 * 1024) /* messages of 16 KB, each byte six of JSON, twice, in the worst case a part of LIMIT_MOST */
#define HIGHLIGHT_BYTES 400
#define REFRESH_MOST 200
#define WAITING_MOST 200
#define PATIENCE_MS 8000 /* then it is better to ask again */

struct searching {
	struct exchange *exchange;
	struct search_query query;
	struct search_ask ask;
	const char *conversation; /* NULL: all */
	bool titles;
	struct conversation within;
	struct buf *out; /* not the exchange's, which goes with the answer */
	struct searching *next;
};

/* ---- the answer ---- */

static void write_conversation(struct buf *b, const struct conversation *c)
{
	buf_printf(b, "{\"id\":\"%s\",\"type\":\"%s\",\"title\":", c->id, c->type);
	buf_json(b, c->title, strlen(c->title));
	buf_char(b, '}');
}

static enum err write_message(struct db *d, struct searching *s, struct arena *a, const struct search_find *f)
{
	struct entry_line line;
	struct entry entry;
	enum err e = entries_one(d, a, &f->c, f->position, &line);

	if (e != OK)
		return e;
	if (!entry_parse(&entry, line.position, line.bytes, line.len) || entry.kind != ENTRY_MESSAGE)
		return ERR_INTERNAL;
	buf_str(s->out, ",\"message\":");
	message_json(s->out, f->c.id, &entry.message, 0);
	return OK;
}

static enum err write_find(struct db *d, struct searching *s, const struct search_find *f)
{
	struct search_hits hits;
	struct arena a;
	enum err e = OK;

	arena_init(&a);
	buf_str(s->out, "{\"conversation\":");
	write_conversation(s->out, &f->c);
	if (!s->titles)
		e = write_message(d, s, &a, f);
	if (e == OK && !search_query_match(&hits, &a, s->ask.query, f->text, f->len))
		e = ERR_INTERNAL;
	if (e == OK) {
		buf_str(s->out, ",\"highlight\":");
		search_highlight(s->out, f->text, f->len, &hits, HIGHLIGHT_BYTES);
		buf_char(s->out, '}');
	}
	arena_done(&a);
	return e;
}

static enum err write_page(struct db *d, struct searching *s, const struct search_find *finds, int count, const struct search_place *next)
{
	char text[SEARCH_CURSOR_MAX];
	enum err e = OK;

	buf_str(s->out, "{\"results\":[");
	for (int i = 0; e == OK && i < count; i++) {
		if (i > 0)
			buf_char(s->out, ',');
		e = write_find(d, s, &finds[i]);
	}
	search_place_print(text, next);
	buf_printf(s->out, "],\"next\":%s%s%s}", next->top > 0 ? "\"" : "", next->top > 0 ? text : "null", next->top > 0 ? "\"" : "");
	return e;
}

/* All of one instant: what was deleted meanwhile is not shown. */
static enum err look(struct db *d, void *searching)
{
	struct searching *s = searching;
	struct search_place next;
	struct search_find *finds;
	struct arena a;
	int count;
	enum err e = OK;

	arena_init(&a);
	buf_reset(s->out);
	if (s->conversation) {
		e = conversations_get(d, &a, s->conversation, s->ask.asker, &s->within);
		s->ask.within = &s->within;
	}
	if (e == OK)
		e = s->titles ? search_conversations(d, &a, &s->ask, &finds, &count, &next)
					  : search_messages(d, &a, &s->ask, &finds, &count, &next);
	if (e == OK)
		e = write_page(d, s, finds, count, &next);
	arena_done(&a);
	return e;
}

/* ---- one after the other ---- */

/* Searches are what takes longest: half of the connections are left to everybody else. */
static struct {
	pthread_mutex_t lock;
	struct searching *first, *last;
	int running, waiting;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void search(struct db *d, void *searching);

/* OK: it runs, or waits for its turn. */
static enum err queue_up(struct searching *s)
{
	int64_t most = config_number("ROOM_DB_THREADS") / 2;
	bool runs;
	enum err e = OK;

	pthread_mutex_lock(&queue.lock);
	runs = queue.running < (most > 0 ? most : 1);
	if (runs) {
		queue.running++;
	} else if (queue.waiting >= WAITING_MOST) {
		e = ERR_STORE_UNAVAILABLE;
	} else {
		if (queue.first)
			queue.last->next = s;
		else
			queue.first = s;
		queue.last = s;
		queue.waiting++;
	}
	pthread_mutex_unlock(&queue.lock);
	if (runs && (e = dbpool_run(search, s)) != OK) {
		pthread_mutex_lock(&queue.lock);
		queue.running--;
		pthread_mutex_unlock(&queue.lock);
	}
	return e;
}

/* One is over: the next one's turn. */
static void move_up(void)
{
	struct searching *s;
	enum err e;

	do {
		pthread_mutex_lock(&queue.lock);
		s = queue.first;
		if (s) {
			queue.first = s->next;
			queue.waiting--;
		} else {
			queue.running--;
		}
		pthread_mutex_unlock(&queue.lock);
		e = !s ? OK : clock_mono_ms() - s->exchange->born_ms > PATIENCE_MS ? ERR_STORE_UNAVAILABLE : dbpool_run(search, s);
		if (e != OK)
			answer_error(s->exchange, e, NULL, 0);
	} while (e != OK);
}

/* On a thread of the pool. */
static void search(struct db *d, void *searching)
{
	struct searching *s = searching;
	enum err e = ERR_STORE_UNAVAILABLE, ignored;
	struct buf out;
	int64_t done;

	FAILPOINT("search.look");
	buf_init(&out, ANSWER_MAX_BYTES);
	s->out = &out;
	if (d) {
		if (s->titles) { /* when they cannot be written now, the old words do */
			ignored = search_refresh(d, s->ask.asker, REFRESH_MOST, &done);
			(void)ignored;
		}
		e = db_read(d, look, s);
	}
	if (e == OK)
		exchange_json(s->exchange, 200, &out);
	else
		answer_error(s->exchange, e, NULL, 0);
	buf_done(&out);
	move_up();
}

/* ---- the question ---- */

/* NULL: all is well; else what is wrong. */
static const char *read_question(struct searching *s, const struct request *r)
{
	const char *text, *in, *after;
	long limit;

	if (request_query(r, "q", &text) != OK || !text || !*text || strlen(text) > SEARCH_QUERY_MAX_BYTES)
		return "q must be a text of 1 to 1000 bytes of UTF-8.";
	if (request_query(r, "in", &in) != OK || (in && strcmp(in, "messages") != 0 && strcmp(in, "conversations") != 0))
		return "in must be messages or conversations.";
	s->titles = in && strcmp(in, "conversations") == 0;
	if (request_query(r, "conversation", &s->conversation) != OK ||
		(s->conversation && (s->titles || !id_valid(s->conversation, strlen(s->conversation)))))
		return "conversation must be the id of one whose messages are sought.";
	if (request_query_int(r, "limit", 1, LIMIT_MOST, LIMIT_DEFAULT, &limit) != OK)
		return "limit must be a whole number from 1 to 50.";
	s->ask.limit = (int)limit;
	if (request_query(r, "after", &after) != OK || (after && !search_place_parse(&s->ask.after, after)))
		return "after must be what `next` said.";
	if (!search_query_parse(&s->query, r->arena, text, strlen(text)))
		return "q must have 64 words at most.";
	return NULL;
}

void search_show(struct exchange *x)
{
	struct searching *s = arena_alloc(&x->arena, sizeof *s);
	const char *wrong = read_question(s, &x->request);
	enum err e;

	s->exchange = x;
	s->ask.asker = ticket_of(x)->participant;
	s->ask.query = &s->query;
	if (wrong) {
		answer_error(x, ERR_BAD_REQUEST, wrong, 0);
		return;
	}
	e = queue_up(s);
	if (e != OK)
		answer_error(x, e, NULL, 0);
}
