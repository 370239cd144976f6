/* What `room life` looks at when the session is over: the ledger's row, what MainServer and Google were told, and whether anything is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "room/life.h"
#include "room/place.h"
#include "store/ask.h"
#include "store/db.h"
#include "store/ledger.h"

#define SETTLED_MS 30000

/* ---- the ledger ---- */

struct account_of {
	bool closed, right;
	long long seconds, messages;
	char how[16];
};

static struct account_of account(struct life *l)
{
	struct account_of a = {0};
	struct ledger_row row;
	struct arena arena;
	struct db *d = NULL;

	arena_init(&arena);
	if (db_new(&d, NULL, DB_PATIENCE_MS) == OK && ledger_get(d, &arena, l->session, &row) == OK && row.closed_at > 0) {
		a.closed = true;
		a.messages = row.messages;
		a.seconds = (row.expires_at - row.created_at) / 1000;
		a.right = row.messages == LIFE_WORDS && row.ended_at > 0 && row.case_ref && strcmp(row.case_ref, l->case_ref) == 0;
		snprintf(a.how, sizeof a.how, "%s", row.how);
	}
	db_free(d);
	arena_done(&arena);
	return a;
}

static bool closed(struct life *l)
{
	return account(l).closed;
}

static void show_ledger(struct life *l)
{
	struct account_of a;

	life_wait(l, closed, SETTLED_MS);
	a = account(l);
	life_say(l, a.right && strcmp(a.how, "expired") == 0, "ledger",
		"one row stays: %s, %lld messages, %lld s from beginning to deadline, its case", a.how, a.messages, a.seconds);
}

/* ---- MainServer and Google ---- */

static const struct {
	const char *type;
	int times;
} told[] = {{"session.joined", 2}, {"message.waiting", 1}, {"session.ended", 1}, {"summary.ready", 1}, {"session.expired", 1}};

#define TOLD (sizeof told / sizeof *told)

static bool all_told(struct life *l)
{
	for (size_t i = 0; i < TOLD; i++)
		if (played_told(l->played, told[i].type) < told[i].times)
			return false;
	return true;
}

static void show_webhooks(struct life *l)
{
	bool right = true, words = false;
	struct buf list;

	life_wait(l, all_told, SETTLED_MS);
	buf_init(&list, 1000);
	for (size_t i = 0; i < TOLD; i++) {
		int n = played_told(l->played, told[i].type);
		right &= n == told[i].times;
		buf_printf(&list, n > 1 ? "%s%s (%d)" : "%s%s", i > 0 ? ", " : "", told[i].type, n);
	}
	for (int i = 0; i < LIFE_WORDS; i++)
		words |= played_holds(l->played, PLAYED_MAINSERVER, l->marks[i]) > 0;
	life_say(l, right, "MainServer", "was told, each signed: %s", list.data);
	life_say(l, !words && played_holds(l->played, PLAYED_MAINSERVER, l->student_id) == 0, "MainServer",
		"no word of theirs in it, and nobody's name");
	buf_done(&list);
}

/* ---- what is left ---- */

static bool ask(struct life *l, const char *word, const char *argument, bool (*look)(const struct told *t))
{
	char *address = place_path("unix:%s/redis.sock", l->state);
	const struct told *t = NULL;
	struct redis *r = NULL;
	struct arena arena;
	struct args a;
	bool good;

	arena_init(&arena);
	args_init(&a);
	args_str(&a, word);
	if (argument)
		args_str(&a, argument);
	good = redis_new(&r, address) == OK;
	if (good) {
		redis_start(r);
		good = ask_command(r, &arena, &a, &t) == OK && look(t);
	}
	redis_free(r);
	arena_done(&arena);
	free(address);
	return good;
}

static bool anything(const struct told *t)
{
	return t != NULL;
}

static bool at_rest(const struct told *t)
{
	return strstr(told_text(t), "aof_rewrite_in_progress:0") && strstr(told_text(t), "aof_rewrite_scheduled:0");
}

static bool begun(struct life *l)
{
	return ask(l, "BGREWRITEAOF", NULL, anything);
}

static bool rewritten(struct life *l)
{
	return ask(l, "INFO", "persistence", at_rest);
}

/* Redis' own file (on tmpfs, where there is one) has what was written until it is rewritten. The worker asks for that, once a minute at most; here nobody
 * waits for it. The worker's may be under way and have begun before the erasure: then another follows it. */
static void rewrite(struct life *l)
{
	life_say(l, life_wait(l, begun, SETTLED_MS) && life_wait(l, rewritten, SETTLED_MS), "Redis",
		"rewrites its append-only file: what is gone is gone from there, too");
}

static void search(struct life *l)
{
	static const char *const words[] = {"doctor", "--residue", "--text", "-", NULL};
	struct buf list;

	buf_init(&list, 4096);
	for (int i = 0; i < LIFE_WORDS; i++)
		buf_printf(&list, "%s\n", l->marks[i]);
	buf_printf(&list, "%s\n", l->student_id);
	life_say(l, true, "room", "`room doctor --residue` searches everywhere for the %d messages and the student's id:", LIFE_WORDS);
	life_say(l, life_run(words, list.data) == 0, "room", "nothing is left of what was said");
	buf_done(&list);
}

void life_after(struct life *l)
{
	int pushes;

	show_ledger(l);
	show_webhooks(l);
	pushes = played_count(l->played, PLAYED_FCM);
	life_say(l, pushes == 1, "Google", "pushes in all this life: %d", pushes);
	if (played_breach(l->played)) /* by a webhook that came late */
		life_say(l, false, "outside", "the contract was broken: %s", played_breach(l->played));
	rewrite(l);
	if (!l->stop)
		search(l);
}
