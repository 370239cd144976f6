/* Redis: every key and value, its files, its slow log; or keys of sessions that should be gone. See residue.h. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "room/residue.h"
#include "store/ask.h"
#include "store/keys.h"

#define PAGE "200"
#define LATE_MS 60000 /* the bookkeeping's minute */
#define NAMED_MOST 20 /* keys that are named; more are counted */

struct hunt {
	struct patient *patient;
	const struct needles *needles;
	struct redis *redis;
	struct arena arena;
	int64_t now, keys, found;
	enum err err;
};

static const struct told *command(struct hunt *h, const char *const *words)
{
	const struct told *t = NULL;
	struct args a;
	enum err e;

	args_init(&a);
	for (; *words; words++)
		args_str(&a, *words);
	e = ask_command(h->redis, &h->arena, &a, &t);
	if (e != OK)
		h->err = e;
	return e == OK ? t : NULL;
}

#define COMMAND(h, ...) command(h, (const char *const[]){__VA_ARGS__, NULL})

static void fresh(struct hunt *h)
{
	arena_done(&h->arena);
	arena_init(&h->arena);
}

static bool in_told(const struct hunt *h, const struct told *t)
{
	if (needles_in(h->needles, told_text(t), told_len(t)))
		return true;
	for (size_t i = 0; i < told_count(t); i++)
		if (in_told(h, told_at(t, i)))
			return true;
	return false;
}

static void found(struct hunt *h, const char *key, const char *advice)
{
	if (++h->found <= NAMED_MOST)
		doctor_report(h->patient, FINDING_BAD, "residue in Redis", advice, "key %s", key);
}

/* ---- texts ---- */

static bool in_list(struct hunt *h, const char *key)
{
	char from[24], to[24];
	bool hit = false;
	size_t count;

	for (long at = 0; !hit; at += 200) {
		const struct told *t;
		snprintf(from, sizeof from, "%ld", at);
		snprintf(to, sizeof to, "%ld", at + 199);
		t = COMMAND(h, "LRANGE", key, from, to);
		hit = in_told(h, t);
		count = told_count(t);
		fresh(h);
		if (count == 0)
			break;
	}
	return hit;
}

static bool in_collection(struct hunt *h, const char *scan, const char *key)
{
	char cursor[32] = "0";
	bool hit = false;

	do {
		const struct told *t = COMMAND(h, scan, key, cursor, "COUNT", PAGE);
		hit = in_told(h, told_at(t, 1));
		snprintf(cursor, sizeof cursor, "%s", told_text(told_at(t, 0)));
		fresh(h);
	} while (!hit && *cursor && strcmp(cursor, "0") != 0);
	return hit;
}

static void search_key(struct hunt *h, const char *key)
{
	char kind[16];
	bool hit = needles_in(h->needles, key, strlen(key));

	snprintf(kind, sizeof kind, "%s", told_text(COMMAND(h, "TYPE", key)));
	if (strcmp(kind, "list") == 0)
		hit |= in_list(h, key);
	else if (strcmp(kind, "hash") == 0)
		hit |= in_collection(h, "HSCAN", key);
	else if (strcmp(kind, "set") == 0)
		hit |= in_collection(h, "SSCAN", key);
	else if (strcmp(kind, "zset") == 0)
		hit |= in_collection(h, "ZSCAN", key);
	else
		hit |= in_told(h, COMMAND(h, strcmp(kind, "string") == 0 ? "GET" : "DUMP", key));
	fresh(h);
	if (hit)
		found(h, needles_in(h->needles, key, strlen(key)) ? "(its name holds it)" : key, "delete it, and find out who wrote it");
}

static void search_elsewhere(struct hunt *h)
{
	const struct told *t = COMMAND(h, "SLOWLOG", "GET", "-1"), *dir, *compressed;
	bool here =
		strncmp(h->patient->redis, "unix:", 5) == 0 || strstr(h->patient->redis, "127.0.0.1") || strstr(h->patient->redis, "localhost");

	if (in_told(h, t))
		found(h, "(the slow log)", "SLOWLOG RESET, and CONFIG SET slowlog-log-slower-than -1");
	dir = COMMAND(h, "CONFIG", "GET", "dir");
	compressed = COMMAND(h, "CONFIG", "GET", "rdbcompression");
	if (!here || !*told_text(told_at(dir, 1))) {
		doctor_report(h->patient, FINDING_SKIPPED, "residue in Redis's files", NULL, "they are on its host");
	} else {
		residue_files(h->patient, h->needles, "residue in Redis's files", told_text(told_at(dir, 1)));
		if (strcmp(told_text(told_at(compressed, 1)), "yes") == 0)
			doctor_report(h->patient, FINDING_ADVICE, "residue in Redis's files", "CONFIG SET rdbcompression no, then BGREWRITEAOF",
				"what is compressed in them cannot be searched");
	}
	fresh(h);
}

/* ---- sessions that should be gone ---- */

/* The session's id in {b}:conv:<id> or {b}:conv:<id>:<part>; false: another key. */
static bool session_of(const char *key, char hash[ID_MAX + 40])
{
	const char *at = strstr(key, "}:conv:"), *end;

	if (*key != '{' || !at)
		return false;
	end = strchr(at + 7, ':');
	snprintf(hash, ID_MAX + 40, "%.*s", (int)(end ? end - key : (long)strlen(key)), key);
	return true;
}

/* A cache of a lasting conversation ("=…") or of a user's feed ("@…"): Redis lets it go by itself. */
static bool is_lasting(const char *key)
{
	const char *at = strstr(key, "}:conv:");

	return at && (at[7] == '=' || at[7] == '@');
}

static void judge_lasting(struct hunt *h, const char *key)
{
	if (told_int(COMMAND(h, "PTTL", key)) == -1 && h->err == OK)
		found(h, key, "it never ends: delete it, it makes itself anew");
	fresh(h);
}

static void judge_key(struct hunt *h, const char *key)
{
	char hash[ID_MAX + 40];
	const struct told *t;
	int64_t expires;

	if (is_lasting(key)) {
		judge_lasting(h, key);
		return;
	}
	if (!session_of(key, hash))
		return;
	t = COMMAND(h, "HGET", hash, "expiresAt");
	expires = told_int(t);
	if (h->err == OK && expires + LATE_MS < h->now) {
		/* It may just have gone between our two questions. */
		if (told_int(COMMAND(h, "EXISTS", key)) != 0)
			found(h, key, expires > 0 ? "is the worker running? `room worker --status`" : "a part without its session: delete it");
	}
	fresh(h);
}

static void judge_queues(struct hunt *h)
{
	static const char *const names[] = {"due", "push"};
	char late[24], cursor[32] = "0";

	snprintf(late, sizeof late, "%lld", (long long)(h->now - LATE_MS));
	do {
		const struct told *t = COMMAND(h, "SCAN", cursor, "COUNT", PAGE, "TYPE", "zset"), *keys = told_at(t, 1);
		for (size_t i = 0; i < told_count(keys); i++) {
			const char *key = told_text(told_at(keys, i)), *name = strstr(key, "}:");
			for (size_t k = 0; name && k < sizeof names / sizeof *names; k++)
				if (strcmp(name + 2, names[k]) == 0 && told_int(COMMAND(h, "ZCOUNT", key, "-inf", late)) > 0)
					found(h, key, "work that nobody does: is the worker running? `room worker --status`");
		}
		snprintf(cursor, sizeof cursor, "%s", told_text(told_at(t, 0)));
		fresh(h);
	} while (h->err == OK && *cursor && strcmp(cursor, "0") != 0);
}

/* Sessions' files lie in a folder each. */
static void judge_folders(struct hunt *h)
{
	const char *memory = h->patient->place.memory;
	DIR *dir = *memory ? opendir(memory) : NULL;
	struct dirent *entry;
	char key[sizeof entry->d_name + 40];

	while (dir && h->err == OK && (entry = readdir(dir))) {
		char *path;
		if (!id_valid(entry->d_name, strlen(entry->d_name)))
			continue;
		snprintf(key, sizeof key, "{%u}:conv:%s", keys_bucket(entry->d_name), entry->d_name);
		path = place_path("%s/%s", memory, entry->d_name);
		if (told_int(COMMAND(h, "EXISTS", key)) == 0 && h->err == OK && access(path, F_OK) == 0) {
			h->found++;
			doctor_report(
				h->patient, FINDING_BAD, "residue in sessions' files", "is the worker running? `room worker --status`", "folder %s", path);
		}
		free(path);
		fresh(h);
	}
	if (dir)
		closedir(dir);
}

/* ---- all of it ---- */

static void each_key(struct hunt *h, void (*one)(struct hunt *h, const char *key))
{
	char cursor[32] = "0";

	do {
		struct arena names;
		const struct told *t = COMMAND(h, "SCAN", cursor, "COUNT", PAGE), *keys = told_at(t, 1);
		snprintf(cursor, sizeof cursor, "%s", told_text(told_at(t, 0)));
		names = h->arena; /* the names outlive what is asked for each */
		arena_init(&h->arena);
		for (size_t i = 0; h->err == OK && i < told_count(keys); i++) {
			h->keys++;
			one(h, told_text(told_at(keys, i)));
		}
		fresh(h);
		arena_done(&names);
	} while (h->err == OK && *cursor && strcmp(cursor, "0") != 0);
}

void residue_redis(struct patient *p, const struct needles *n)
{
	struct hunt h = {.patient = p, .needles = n, .now = clock_now_ms()};

	if (!p->redis || redis_new(&h.redis, p->redis) != OK) {
		doctor_report(
			p, FINDING_SKIPPED, "residue in Redis", NULL, "no `room up` is running in %s, and ROOM_REDIS is unset", p->place.state);
		return;
	}
	redis_start(h.redis);
	arena_init(&h.arena);
	each_key(&h, n->count > 0 ? search_key : judge_key);
	if (n->count == 0 && h.err == OK)
		judge_queues(&h);
	if (n->count == 0 && h.err == OK)
		judge_folders(&h);
	if (n->count > 0 && h.err == OK)
		search_elsewhere(&h);
	if (h.err != OK)
		doctor_report(p, FINDING_SKIPPED, "residue in Redis", NULL, "it does not answer, or refuses");
	else if (h.found == 0)
		doctor_report(p, FINDING_FINE, "residue in Redis", NULL, "nothing in %lld keys", (long long)h.keys);
	if (h.found > NAMED_MOST)
		doctor_report(p, FINDING_BAD, "residue in Redis", NULL, "and in %lld keys more", (long long)(h.found - NAMED_MOST));
	arena_done(&h.arena);
	redis_free(h.redis);
}
