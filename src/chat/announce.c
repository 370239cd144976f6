/* What is to be told of lasting conversations: see announce.h. Reads SQL on threads of the database pool; telling.c does the rest, announce_sweep.c what was left
 * undone. */
#include "chat/announce.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "chat/call.h"
#include "chat/telling.h"
#include "chat/spent.h"
#include "store/dbpool.h"
#include "store/outbox.h"
#include "store/store.h"

#define UNDER_WAY_MOST 2000
#define ROUNDS_MOST 10000
#define GAP_MOST 1000 /* a feed that lacks more than it can hold */
#define CROWD_MOST 10000

METRIC_COUNTER(announced_metric, "room_announced_total", "Ranges of lasting conversations that were announced.");
METRIC_COUNTER(again_metric, "room_announced_again_total",
	"Ranges that had to be read from SQL first, as another came before or Redis had forgotten.");
METRIC_COUNTER(failed_metric, "room_announce_failed_total", "Ranges that could not be announced; the sweep tries again.");

static atomic_int under_way;

/* Conversations whose log is being read to catch up. One telling at a time does that for all: those that come meanwhile leave it to that one. */
struct catching {
	struct catching *next;
	char conversation[ID_MAX + 1];
	bool missed; /* somebody left something to it */
};
static struct catching *catching;
static pthread_mutex_t catching_lock = PTHREAD_MUTEX_INITIALIZER;

bool announce_possible(void)
{
	return redis_ready(store_commands());
}

/* ---- one telling ---- */

static struct catching **catching_of(const char *conversation)
{
	struct catching **at = &catching;

	while (*at && strcmp((*at)->conversation, conversation) != 0)
		at = &(*at)->next;
	return at;
}

/* False: another is at it, and will do this as well. */
static bool catch_up(struct telling *t)
{
	struct catching **at;

	if (t->catching)
		return true;
	pthread_mutex_lock(&catching_lock);
	at = catching_of(t->conversation);
	if (*at) {
		(*at)->missed = true;
	} else {
		*at = call_alloc(sizeof **at);
		memcpy((*at)->conversation, t->conversation, sizeof t->conversation);
		t->catching = true;
	}
	pthread_mutex_unlock(&catching_lock);
	return t->catching;
}

/* True: something was left to it meanwhile, so it must look again. Else it is no longer catching up. */
static bool caught_up(struct telling *t, bool may_look_again)
{
	struct catching **at, *c;
	bool missed;

	if (!t->catching)
		return false;
	pthread_mutex_lock(&catching_lock);
	at = catching_of(t->conversation);
	c = *at;
	missed = c && c->missed && may_look_again;
	if (missed) {
		c->missed = false;
	} else if (c) {
		*at = c->next;
		free(c);
	}
	t->catching = missed;
	pthread_mutex_unlock(&catching_lock);
	return missed;
}

static void drop(struct telling *t)
{
	caught_up(t, false);
	arena_done(&t->arena);
	free(t->actors);
	free(t);
	atomic_fetch_sub(&under_way, 1);
}

/* NULL: too much is under way already. */
static struct telling *telling_new(const char *conversation)
{
	struct telling *t;

	if (atomic_fetch_add(&under_way, 1) >= UNDER_WAY_MOST) {
		atomic_fetch_sub(&under_way, 1);
		return NULL;
	}
	t = call_alloc(sizeof *t);
	arena_init(&t->arena);
	snprintf(t->conversation, sizeof t->conversation, "%s", conversation);
	atomic_init(&t->behind, -1);
	return t;
}

static void read_and_tell(struct db *d, void *ctx);
static void read_crowd(struct db *d, void *ctx);

static void go_on(struct telling *t, void (*how)(struct db *d, void *ctx))
{
	if (++t->rounds > ROUNDS_MOST || dbpool_run(how, t) != OK) {
		metric_add(&failed_metric, 1);
		drop(t);
	}
}

/* What comes after it, as far as the log went when it was read, or was left to us. */
static void go_on_after(struct telling *t)
{
	free(t->actors);
	t->actors = NULL;
	t->log_mode = t->feed_mode = TELLING_ASK;
	atomic_store(&t->behind, t->to);
	go_on(t, read_and_tell);
}

static void ended(struct telling *t, enum telling_end how)
{
	if (how == TELLING_DONE) {
		metric_add(&announced_metric, 1);
		spent_add(t->conversation, t->from, t->to);
		if (t->length > t->to || caught_up(t, true))
			go_on_after(t);
		else
			drop(t);
		return;
	}
	if (how == TELLING_FAILED) {
		metric_add(&failed_metric, 1);
		drop(t);
		return;
	}
	if (how == TELLING_CROWD) {
		go_on(t, read_crowd);
		return;
	}
	metric_add(&again_metric, 1);
	if (how == TELLING_BEHIND && t->from - atomic_load(&t->behind) > GAP_MOST) {
		/* Too much to be told one by one: hubs read the log themselves, feeds begin anew. */
		t->log_mode = t->feed_mode = TELLING_FORCE;
		telling_start(t, ended);
		return;
	}
	if (how == TELLING_UNKNOWN)
		t->log_mode = t->feed_mode = TELLING_SURE;
	if (catch_up(t))
		go_on(t, read_and_tell);
	else
		drop(t);
}

/* ---- reading what is to be told ---- */

/* Where to begin: behind what Redis has, or where the outbox begins. *after -1: there is nothing. */
static enum err find_start(struct db *d, struct telling *t, const struct conversation *c, int64_t *after)
{
	const char *members;
	int64_t lowest = -1, behind = atomic_load(&t->behind);
	enum err e = OK;

	if (behind < 0 || t->log_mode != TELLING_ASK || t->feed_mode == TELLING_SURE)
		e = outbox_lowest(d, &t->arena, t->conversation, &lowest, &members);
	if (e != OK)
		return e;
	*after = behind;
	if (lowest > 0 && (behind < 0 || lowest - 1 < behind))
		*after = lowest - 1;
	if (*after >= 0 && *after < c->floor) {
		/* What stood there is erased, and needs no telling. */
		if (lowest > 0)
			spent_add(t->conversation, lowest, c->floor);
		*after = c->floor;
		t->log_mode = t->feed_mode = TELLING_FORCE;
	}
	return OK;
}

static enum err read_range(struct db *d, struct telling *t, const struct conversation *c)
{
	int64_t after;
	enum err e = find_start(d, t, c, &after);

	t->length = c->length;
	if (e != OK || after < 0)
		return e;
	e = entries_after(d, &t->arena, c, after, NULL, READ_MOST, READ_BYTES, &t->lines, &t->line_count);
	if (e != OK || t->line_count == 0)
		return e;
	t->from = t->lines[0].position;
	t->to = t->lines[t->line_count - 1].position;
	return conversations_ids(d, &t->arena, c->n, ANNOUNCE_FEEDS + 1, &t->members, &t->member_count);
}

/* Those who were in it, of the JSON array that the outbox keeps. */
static void read_people(struct telling *t, const char *json)
{
	json_t *list = NULL, *one;
	size_t i;

	if (!json || json_read(&list, json, strlen(json), 1) != OK)
		return;
	t->members = arena_alloc(&t->arena, (json_array_size(list) + 1) * sizeof *t->members);
	json_array_foreach(list, i, one)
	{
		if (json_is_string(one))
			t->members[t->member_count++] = arena_strdup(&t->arena, json_string_value(one));
	}
	json_decref(list);
}

/* The conversation is gone: its outbox row says who must hear of it. */
static enum err read_erased(struct db *d, struct telling *t)
{
	const char *people;
	int64_t lowest;
	enum err e = outbox_lowest(d, &t->arena, t->conversation, &lowest, &people);
	char *line;
	int len;

	if (e != OK || lowest != 0)
		return e;
	read_people(t, people);
	t->erased_at = clock_now_ms();
	line = arena_alloc(&t->arena, 256);
	len = snprintf(line, 256, "s\n000000000000\n%lld\nconversation:erased\n{\"conversationId\":\"%s\",\"at\":%lld}",
		(long long)t->erased_at, t->conversation, (long long)t->erased_at);
	t->lines = arena_alloc(&t->arena, sizeof *t->lines);
	*t->lines = (struct entry_line){.bytes = line, .len = (size_t)len};
	t->line_count = 1;
	t->from = t->to = t->length = 0;
	return OK;
}

static void read_and_tell(struct db *d, void *ctx)
{
	struct telling *t = ctx;
	struct conversation c;
	enum err e;

	arena_done(&t->arena); /* of a long backlog only the part that is under way is held */
	t->line_count = t->member_count = 0;
	t->crowd = 0;
	e = d ? conversations_get(d, &t->arena, t->conversation, NULL, &c) : ERR_STORE_UNAVAILABLE;
	if (e == OK)
		e = read_range(d, t, &c);
	else if (e == ERR_NOT_FOUND)
		e = read_erased(d, t);
	if (e != OK)
		metric_add(&failed_metric, 1);
	if (e != OK || t->line_count == 0)
		drop(t);
	else
		telling_start(t, ended);
}

/* The same lines once more, to everybody's feed. */
static void read_crowd(struct db *d, void *ctx)
{
	struct telling *t = ctx;
	struct conversation c;
	enum err e = d ? conversations_get(d, &t->arena, t->conversation, NULL, &c) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		e = conversations_ids(d, &t->arena, c.n, CROWD_MOST, &t->members, &t->member_count);
	if (e == OK) {
		telling_start(t, ended);
	} else if (e == ERR_NOT_FOUND) {
		read_and_tell(d, t);
	} else {
		metric_add(&failed_metric, 1);
		drop(t);
	}
}

void announce(const char *conversation)
{
	struct telling *t = announce_possible() ? telling_new(conversation) : NULL;

	if (t)
		go_on(t, read_and_tell);
}

void announce_lines(const struct announced *a)
{
	struct telling *t = telling_new(a->conversation);

	if (!t)
		return;
	t->lines = arena_alloc(&t->arena, (size_t)a->line_count * sizeof *t->lines);
	for (int i = 0; i < a->line_count; i++) {
		t->lines[i] = a->lines[i];
		t->lines[i].bytes = arena_strndup(&t->arena, a->lines[i].bytes, a->lines[i].len);
	}
	t->line_count = a->line_count;
	t->from = a->lines[0].position;
	t->to = t->length = a->lines[a->line_count - 1].position;
	t->members = arena_alloc(&t->arena, (size_t)(a->member_count + 1) * sizeof *t->members);
	for (int i = 0; i < a->member_count; i++)
		t->members[i] = arena_strdup(&t->arena, a->members[i]);
	t->member_count = a->member_count;
	t->actors = strdup(a->actors);
	telling_start(t, ended);
}
