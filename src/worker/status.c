/* Queues, breakers, dead letters: see status.h. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "outside/breaker.h"
#include "store/ask.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "store/outbox.h"
#include "store/webhooks.h"
#include "worker/status.h"

static const struct queue {
	const char *name;
	bool timed; /* a sorted set of when each is due; else a list */
} queues[] = {{"due", true}, {"push", true}, {"summary", true}, {"audit", false}, {"events", false}};

static json_t *needed(json_t *j)
{
	if (!j)
		abort();
	return j;
}

/* One queue over all buckets. */
static enum err look_queue(struct redis *redis, struct arena *arena, const struct queue *q, json_t *out)
{
	int64_t count = 0, due = 0, oldest_ms = 0;
	enum err e = OK;
	json_t *j;

	for (unsigned b = 0; e == OK && b < keys_buckets(); b++) {
		const struct told *t;
		struct args a;
		args_init(&a);
		args_printf(&a, "{%u}:%s", b, q->name);
		a.keys = 1;
		e = ask_script(redis, arena, "queue_look", &a, &t);
		count += told_int(told_at(t, 1));
		due += told_int(told_at(t, 2));
		if (told_int(told_at(t, 3)) > oldest_ms)
			oldest_ms = told_int(told_at(t, 3));
	}
	j = needed(json_pack("{s:I}", "count", (json_int_t)count));
	if (q->timed) {
		json_object_set_new(j, "due", json_integer(due));
		json_object_set_new(j, "oldestMs", json_integer(oldest_ms));
	}
	json_object_set_new(out, q->name, j);
	return e;
}

static void look_breakers(struct redis *redis, json_t *out)
{
	static const char *const names[] = {"fcm", "oauth", "gemini", "mainserver"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct breaker_state s;
		int64_t now_ms;
		if (!breaker_look(redis, names[i], &s, &now_ms))
			continue;
		json_object_set_new(out, names[i],
			needed(json_pack("{s:s, s:I, s:I}", "state",
				s.open_until_ms == 0           ? "closed"
					: s.open_until_ms > now_ms ? "open"
											   : "half-open",
				"failures", (json_int_t)s.failures, "openForMs", (json_int_t)(s.open_until_ms > now_ms ? s.open_until_ms - now_ms : 0))));
	}
}

static json_t *dead_row(json_t *out, const char *why)
{
	json_t *row = json_object_get(out, why);

	if (!row) {
		row = needed(json_pack("{s:i, s:i}", "count", 0, "lastAt", 0));
		json_object_set_new(out, why, row);
	}
	return row;
}

/* Pushes that were given up, by reason, over all buckets: fields `<why>` and `at:<why>` of {b}:push:dead (store/lua/_push.lua). */
static enum err look_dead_pushes(struct redis *redis, struct arena *arena, json_t *out)
{
	enum err e = OK;

	for (unsigned b = 0; e == OK && b < keys_buckets(); b++) {
		const struct told *t;
		struct args a;
		args_init(&a);
		args_str(&a, "HGETALL");
		args_printf(&a, "{%u}:push:dead", b);
		e = ask_command(redis, arena, &a, &t);
		for (size_t i = 0; e == OK && i + 1 < told_count(t); i += 2) {
			const char *field = told_text(told_at(t, i));
			bool last = strncmp(field, "at:", 3) == 0;
			json_t *row = dead_row(out, last ? field + 3 : field);
			json_int_t n = told_int(told_at(t, i + 1)), had = json_integer_value(json_object_get(row, last ? "lastAt" : "count"));
			json_object_set_new(row, last ? "lastAt" : "count", json_integer(!last ? had + n : n > had ? n : had));
		}
	}
	return e;
}

static enum err look_redis(json_t *out)
{
	json_t *all = needed(json_object()), *breakers = needed(json_object()), *dead = needed(json_object());
	struct redis *redis = NULL;
	struct arena arena;
	enum err e;

	arena_init(&arena);
	e = redis_new(&redis, config_text("ROOM_REDIS"));
	if (e == OK) {
		redis_start(redis);
		for (size_t i = 0; e == OK && i < sizeof queues / sizeof *queues; i++)
			e = look_queue(redis, &arena, &queues[i], all);
		if (e == OK)
			look_breakers(redis, breakers);
		if (e == OK)
			e = look_dead_pushes(redis, &arena, dead);
	}
	redis_free(redis);
	arena_done(&arena);
	json_object_set_new(out, "queues", all);
	json_object_set_new(out, "breakers", breakers);
	json_object_set_new(out, "deadPushes", dead);
	return e;
}

static enum err look_database(json_t *out)
{
	struct webhooks_counts counts;
	struct db *d = NULL;
	int64_t open = 0, waiting = 0, oldest_at = 0;
	enum err e = db_new(&d, NULL, DB_PATIENCE_MS);

	if (e == OK)
		e = webhooks_count(d, &counts);
	if (e == OK)
		e = ledger_open_count(d, &open);
	if (e == OK)
		e = outbox_count(d, &waiting, &oldest_at);
	if (e == OK) {
		json_object_set_new(out, "webhooks",
			needed(json_pack("{s:I, s:I, s:I}", "pending", (json_int_t)counts.pending, "delivered", (json_int_t)counts.delivered, "dead",
				(json_int_t)counts.dead)));
		json_object_set_new(out, "ledger", needed(json_pack("{s:I}", "open", (json_int_t)open)));
		json_object_set_new(
			out, "announcing", needed(json_pack("{s:I, s:I}", "waiting", (json_int_t)waiting, "oldestAt", (json_int_t)oldest_at)));
	}
	db_free(d);
	return e;
}

enum err worker_status(json_t **out, const char **why)
{
	enum err redis, database;

	*out = needed(json_object());
	redis = look_redis(*out);
	database = look_database(*out);
	*why = redis != OK ? "Redis does not answer" : database != OK ? "the database does not answer" : NULL;
	return redis != OK ? redis : database;
}
