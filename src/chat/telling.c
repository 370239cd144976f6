/* The calls to Redis that tell of a lasting conversation: see telling.h. */
#include "chat/telling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "chat/call.h"
#include "store/keys.h"
#include "store/store.h"

#define FEED_MOST 1000 /* entries of a feed */
#define FEEDS_A_CALL 24
#define PLACE_MAX (ID_MAX + 2)

/* Telling goes on in callbacks, one after the other for one conversation; this is how they know where to report. */
struct step {
	struct telling *t;
	void (*end)(struct telling *t, enum telling_end how);
};

static char *print_int(struct arena *a, int64_t n)
{
	char *out = arena_alloc(a, 24);

	snprintf(out, 24, "%lld", (long long)n);
	return out;
}

static void add_lines(struct args *a, const struct telling *t)
{
	for (int i = 0; i < t->line_count; i++)
		args_add(a, t->lines[i].bytes, t->lines[i].len);
}

/* ---- feeds ---- */

/* The id that a line of that event names as participant; false when it is another event. */
static bool line_names(const struct entry_line *line, const char *event, char out[ID_MAX + 1])
{
	const char *at = line->bytes, *id;
	size_t len;

	if (strncmp(at, "s\n", 2) != 0)
		return false;
	for (int i = 0; i < 3 && at; i++) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at || strncmp(at, event, strlen(event)) != 0 || at[strlen(event)] != '\n')
		return false;
	id = strstr(at, "\"participant\":\"");
	if (!id)
		return false;
	id += strlen("\"participant\":\"");
	len = strcspn(id, "\"");
	if (!id_valid(id, len))
		return false;
	memcpy(out, id, len);
	out[len] = '\0';
	return true;
}

static bool is_member(const struct telling *t, const char *who)
{
	for (int i = 0; i < t->member_count; i++)
		if (strcmp(t->members[i], who) == 0)
			return true;
	return false;
}

struct readers {
	const char **who;
	int count;
	struct buf once; /* who gets one entry only (feed.lua) */
};

/* Whose feeds get it: everybody who is in it now, unless they are too many (that it is erased all are told, and that they became so many; and each that he is in it),
 * and who left just here. */
static void find_readers(struct telling *t, struct readers *r)
{
	bool many = t->member_count > ANNOUNCE_FEEDS;
	char who[ID_MAX + 1];

	r->who = arena_alloc(&t->arena, (size_t)(t->member_count + t->line_count + 1) * sizeof *r->who);
	r->count = 0;
	buf_init(&r->once, 64 * 1024);
	if (t->crowd > 0)
		buf_printf(&r->once, "* %lld f\n", (long long)t->crowd);
	if (!many || t->to == 0 || t->crowd > 0)
		for (int i = 0; i < t->member_count; i++)
			r->who[r->count++] = t->members[i];
	for (int i = 0; i < t->line_count; i++) {
		bool left = line_names(&t->lines[i], "user:left", who) && !is_member(t, who);
		if (!left && !(many && line_names(&t->lines[i], "user:joined", who)))
			continue;
		r->who[r->count++] = arena_strdup(&t->arena, who);
		buf_printf(&r->once, "%s %lld %c\n", who, (long long)t->lines[i].position, left ? 'l' : 'f');
	}
}

static void feeds_ended(struct step *s)
{
	struct telling *t = s->t;
	void (*end)(struct telling *, enum telling_end) = s->end;
	enum telling_end how = TELLING_DONE;

	free(s);
	if (atomic_load(&t->err))
		how = TELLING_FAILED;
	else if (atomic_load(&t->unsure))
		how = TELLING_UNKNOWN;
	else if (atomic_load(&t->behind) >= 0)
		how = TELLING_BEHIND;
	end(t, how);
}

static void fed(void *ctx, const struct reply *r)
{
	struct step *s = ctx;
	struct telling *t = s->t;
	int64_t behind = reply_int(reply_at(r, 1)), known = atomic_load(&t->behind);

	if (call_err(r, NULL) != OK) {
		atomic_store(&t->err, 1);
	} else {
		if (behind >= 0 && (known < 0 || behind < known))
			atomic_store(&t->behind, behind);
		if (reply_int(reply_at(r, 2)) != 0)
			atomic_store(&t->unsure, true);
	}
	if (atomic_fetch_sub(&t->pending, 1) == 1)
		feeds_ended(s);
}

static void feed_keys(struct args *a, struct arena *arena, const char *place, unsigned bucket)
{
	static const char *const parts[] = {"", ":log", ":hubs", ":present"};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char *key = arena_alloc(arena, PLACE_MAX + 32);
		snprintf(key, PLACE_MAX + 32, "{%u}:conv:%s%s", bucket, place, parts[i]);
		args_str(a, key);
	}
}

/* One call for up to FEEDS_A_CALL readers of that bucket, from *next on. False: there was none left. */
static bool feed_some(struct step *s, const struct readers *r, unsigned bucket, int *next)
{
	struct telling *t = s->t;
	struct args a;
	int n = 0;

	args_init(&a);
	for (; *next < r->count && n < FEEDS_A_CALL; (*next)++) {
		char place[PLACE_MAX + 1];
		snprintf(place, sizeof place, "@%s", r->who[*next]);
		if (keys_bucket(place) != bucket)
			continue;
		feed_keys(&a, &t->arena, place, bucket);
		n++;
	}
	if (n == 0)
		return false;
	a.keys = a.count;
	args_str(&a, t->conversation);
	args_str(&a, print_int(&t->arena, t->from));
	args_int(&a, t->feed_mode);
	call_hex(&a, ID_CHECK_LEN);
	args_str(&a, t->actors);
	args_add(&a, r->once.data, r->once.len);
	args_int(&a, FEED_MOST);
	add_lines(&a, t);
	atomic_fetch_add(&t->pending, 1);
	redis_script(store_commands(), "feed", &a, fed, s);
	return true;
}

static void tell_feeds(struct step *s)
{
	struct telling *t = s->t;
	struct readers r;

	FAILPOINT("announce.told");
	find_readers(t, &r);
	atomic_store(&t->pending, 1); /* ours, until all calls are made */
	atomic_store(&t->err, 0);
	atomic_store(&t->behind, -1);
	atomic_store(&t->unsure, false);
	for (unsigned bucket = 0; bucket < keys_buckets(); bucket++)
		for (int next = 0; feed_some(s, &r, bucket, &next);)
			;
	buf_done(&r.once);
	if (atomic_fetch_sub(&t->pending, 1) == 1)
		feeds_ended(s);
}

/* ---- hubs ---- */

static void told(void *ctx, const struct reply *r)
{
	struct step *s = ctx;
	struct telling *t = s->t;
	enum err e = call_err(r, NULL);
	int64_t to = reply_int(reply_at(r, 1)), large = reply_int(reply_at(r, 2));
	enum telling_end how = TELLING_FAILED;
	bool goes_on = e == OK && (t->to == 0 || to >= t->from - 1), crowd = t->to > 0 && large >= t->from;

	if (goes_on && (!crowd || t->crowd > 0)) {
		tell_feeds(s);
		return;
	}
	if (goes_on) {
		how = TELLING_CROWD;
		t->crowd = large;
	} else if (e == OK) {
		how = to < 0 ? TELLING_UNKNOWN : TELLING_BEHIND;
		atomic_store(&t->behind, to);
	}
	void (*end)(struct telling *, enum telling_end) = s->end;
	free(s);
	end(t, how);
}

void telling_start(struct telling *t, void (*end)(struct telling *t, enum telling_end how))
{
	struct step *s = call_alloc(sizeof *s);
	char place[PLACE_MAX + 1];
	struct args a;

	*s = (struct step){t, end};
	snprintf(place, sizeof place, "=%s", t->conversation);
	args_init(&a);
	keys_conversation(&a, place);
	if (t->to == 0) {
		args_int(&a, t->erased_at);
		redis_script(store_commands(), "announce_erased", &a, told, s);
		return;
	}
	args_int(&a, t->from);
	args_int(&a, t->log_mode);
	args_str(&a, t->actors);
	args_int(&a, t->member_count > ANNOUNCE_FEEDS);
	add_lines(&a, t);
	redis_script(store_commands(), "announce", &a, told, s);
}
