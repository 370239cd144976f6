/* Fills a database for tests and the bench of size: seed USER CONVERSATIONS MESSAGES (ROOM_DB or ROOM_STATE say where; it must be migrated).
 *
 * USER gets CONVERSATIONS of them: one group with MESSAGES messages, which are written by the store's own functions, and for the rest a direct one with somebody else each, of
 * one message. Prints {"user", "conversation" (the group), "cursors" (of messages at random in it)}. Words: "meeting" in every second message, "budget" in every third, "zanzibar"
 * in five, the others at random, some much more often than others. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/config.h"
#include "store/conversations_make.h"
#include "store/entries.h"

enum { BATCH = 5000, CURSORS = 2000, VOCABULARY = 20000, WORDS = 9 };

static char vocabulary[VOCABULARY][16];
static unsigned short seed[3] = {7, 8, 9};

static size_t below(size_t n)
{
	return (size_t)(erand48(seed) * (double)n);
}

static void make_vocabulary(void)
{
	static const char *const syllables[] = {
		"ba", "re", "mi", "to", "lu", "ska", "ne", "fi", "dor", "pa", "ke", "vin", "su", "go", "ha", "tel"};

	for (int i = 0; i < VOCABULARY; i++)
		for (size_t n = 1 + below(4), j = 0; j < n; j++)
			strcat(vocabulary[i], syllables[below(sizeof syllables / sizeof *syllables)]);
}

/* A few words make up most of what is said. */
static const char *some_word(void)
{
	double x = erand48(seed);

	return vocabulary[(size_t)(x * x * x * (VOCABULARY - 1))];
}

static size_t make_text(char *out, size_t size, int64_t i, int64_t all)
{
	size_t len =
		(size_t)snprintf(out, size, "%s%s%s", i % 2 ? "" : "meeting ", i % 3 ? "" : "budget ", i % (all / 5 + 1) == 1 ? "zanzibar " : "");

	for (int j = 0; j < WORDS; j++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", j ? " " : "", some_word());
	return len;
}

struct filling {
	const char *user;
	int64_t conversations, messages, done;
	const char *id; /* of the group */
	struct arena *arena;
	struct buf cursors;
	int64_t now;
};

static enum err add_person(struct db *d, const char *id, const char *name, int64_t now)
{
	return db_exec(d, NULL, "INSERT INTO people (id, name, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		DB_ARGS(db_text(id), db_text(name), db_int(now)));
}

static enum err settle(struct db *d, const struct conversation *c)
{
	enum err e = db_exec(d, NULL, "UPDATE conversations SET length = $2, first_message = $3, last_message = $4, last_at = $5 WHERE n = $1",
		DB_ARGS(db_int(c->n), db_int(c->length), db_int(c->first_message), db_int(c->last_message), db_int(c->last_at)));

	return e == OK ? db_exec(d, NULL, "UPDATE members SET read_to = $2, delivered_to = $2, last_at = $3 WHERE conversation = $1",
						 DB_ARGS(db_int(c->n), db_int(c->length), db_int(c->last_at)))
				   : e;
}

static enum err say(struct db *d, struct conversation *c, const char *who, const char *text, size_t len, int64_t at, struct entry_new *n)
{
	*n = (struct entry_new){.sender = who, .role = "member", .type = "text", .content = text, .content_len = len, .at = at};
	return entries_put_message(d, c, n);
}

static enum err make(struct db *d, struct filling *f, const char *other, bool group, struct conversation *c)
{
	struct conversation_person people[] = {{f->user, group ? "admin" : "member"}, {other, "member"}};
	struct conversation_make m = {.type = group ? "group" : "direct",
		.channel = "chat",
		.status = "active",
		.title = group ? "The large one" : "",
		.retention_s = -1,
		.by = f->user,
		.people = people,
		.count = 2};
	char pair[200];
	const char *id;
	bool made;
	enum err e;

	snprintf(pair, sizeof pair, "%s %s", other, f->user);
	m.pair = group ? NULL : pair;
	e = conversations_make(d, f->arena, &m, f->now, &id, &made);
	return e == OK ? conversations_lock(d, f->arena, id, NULL, c) : e;
}

static enum err small_ones(struct db *d, void *filling)
{
	struct filling *f = filling;
	enum err e = OK;

	for (int64_t i = f->done; e == OK && i < f->conversations && i < f->done + BATCH; i++) {
		char other[32], name[64], text[512];
		struct conversation c;
		struct entry_new n;
		snprintf(other, sizeof other, "other_%lld", (long long)i);
		snprintf(name, sizeof name, "%s %s %lld", some_word(), some_word(), (long long)i);
		e = add_person(d, other, name, f->now);
		if (e == OK)
			e = make(d, f, other, false, &c);
		if (e == OK)
			e = say(d, &c, other, text, make_text(text, sizeof text, i, f->conversations), f->now - 1000 * (f->conversations - i), &n);
		if (e == OK)
			e = settle(d, &c);
	}
	return e;
}

static enum err large_one(struct db *d, void *filling)
{
	struct filling *f = filling;
	struct conversation c;
	enum err e = conversations_lock(d, f->arena, f->id, NULL, &c);

	for (int64_t i = f->done; e == OK && i < f->messages && i < f->done + BATCH; i++) {
		char text[512];
		struct entry_new n;
		e = say(
			d, &c, i % 2 ? f->user : "other_0", text, make_text(text, sizeof text, i, f->messages), f->now - (f->messages - i) * 100, &n);
		if (below((size_t)f->messages) < CURSORS)
			buf_printf(&f->cursors, "%s\"%lld-%s\"", f->cursors.len ? "," : "", (long long)n.position, n.mark);
	}
	return e == OK ? settle(d, &c) : e;
}

static enum err begin(struct db *d, void *filling)
{
	struct filling *f = filling;
	struct conversation c;
	enum err e = add_person(d, f->user, "The User", f->now);

	if (e == OK)
		e = add_person(d, "other_0", "Somebody Else", f->now);
	if (e == OK)
		e = make(d, f, "other_0", true, &c);
	f->id = e == OK ? c.id : NULL;
	return e;
}

static void sure(struct db *d, enum err e)
{
	if (e != OK)
		errx(1, "%s: %s", err_row(e)->code, db_why(d));
}

int main(int argc, char **argv)
{
	struct filling f = {.now = clock_now_ms()};
	struct arena kept, arena;
	struct db *d;

	if (argc != 4 || config_load() != 0 || db_new(&d, NULL, 60000) != OK)
		errx(2, "usage: seed USER CONVERSATIONS MESSAGES");
	f.user = argv[1];
	f.conversations = strtoll(argv[2], NULL, 10);
	f.messages = strtoll(argv[3], NULL, 10);
	buf_init(&f.cursors, 1 << 20);
	make_vocabulary();
	arena_init(&kept);
	f.arena = &kept;
	sure(d, db_write(d, begin, &f));
	f.arena = &arena;
	for (f.done = 1; f.done < f.conversations; f.done += BATCH) {
		arena_init(&arena);
		sure(d, db_write(d, small_ones, &f));
		arena_done(&arena);
	}
	for (f.done = 0; f.done < f.messages; f.done += BATCH) {
		arena_init(&arena);
		sure(d, db_write(d, large_one, &f));
		arena_done(&arena);
	}
	if (db_is_postgres(d))
		sure(d, db_exec(d, NULL, "ANALYZE", DB_NONE));
	printf("{\"user\":\"%s\",\"conversation\":\"%s\",\"cursors\":[%s]}\n", f.user, f.id, f.cursors.data ? f.cursors.data : "");
	buf_done(&f.cursors);
	db_free(d);
	arena_done(&kept);
	config_done();
	return 0;
}
