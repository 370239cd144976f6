/* The job `webhook`: what happened in Redis ({b}:events) goes into the outbox, and what is due there to MainServer: at least once, for a day, with growing
 * pauses; then it is a dead letter (`room webhook`). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "base/log.h"
#include "outside/breaker.h"
#include "outside/mainserver.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "store/webhooks.h"
#include "worker/drain.h"
#include "worker/jobs.h"
#include "worker/tell.h"

enum {
	BATCH = 32,
	LEASE_MS = 120000,             /* longer than a batch takes: 15 s a call, sixteen at once */
	GIVE_UP_MS = 24 * 3600 * 1000, /* design §9 */
	PRUNE_EACH_MS = 600000,
	PRUNE_BATCH = 1000,
};
#define KEEP_MS (INT64_C(30) * 24 * 3600 * 1000) /* settled ones, as proof */

struct outbox {
	struct mainserver *mainserver; /* NULL: no ROOM_WEBHOOK_URL; then events end here, and what waits from before dies of age */
	int64_t pruned_ms;
};

/* ---- from Redis ---- */

struct event {
	int64_t at, created_at, expires_at;
	char what[16], conversation[ID_MAX + 1], role[16], request[ID_MAX + 1];
};

struct events {
	struct event *list;
	int count;
};

/* what: "joined", "ended", or "waiting" (a message, and nobody there to read it). "<at> <what> <conversation> <role> <createdAt> <expiresAt>", and, when one caused
 * it, " <id of the HTTP request>" */
static bool parse(struct event *e, const char *item)
{
	long long at, created_at, expires_at;
	int end = 0, more = 0;

	if (sscanf(item, "%lld %15s %64s %15s %lld %lld%n", &at, e->what, e->conversation, e->role, &created_at, &expires_at, &end) != 6)
		return false;
	e->request[0] = '\0';
	if (item[end] && (item[end] != ' ' || sscanf(item + end, " %64[0-9a-f]%n", e->request, &more) != 1 || item[end + more]))
		return false;
	e->at = at;
	e->created_at = created_at;
	e->expires_at = expires_at;
	return true;
}

static enum err tell_event(struct db *d, const struct event *v)
{
	bool ended = strcmp(v->what, "ended") == 0;
	const char *type = ended ? "session.ended" : strcmp(v->what, "waiting") == 0 ? "message.waiting" : "session.joined";
	char key[64];
	json_t *data;
	enum err e;

	data = json_pack("{s:s, s:s, s:I, s:I, s:I}", "sessionId", v->conversation, ended ? "by" : "role", v->role, "at", (json_int_t)v->at,
		"createdAt", (json_int_t)v->created_at, "expiresAt", (json_int_t)v->expires_at);
	if (!data)
		abort();
	snprintf(key, sizeof key, "%s:%s", type, v->role);
	e = tell_item(d,
		&(struct tell_item){.key = ended ? NULL : key,
			.type = type,
			.conversation = v->conversation,
			.request_id = v->request,
			.key_ms = ended ? v->created_at : v->at,
			.at_ms = v->at},
		data);
	json_decref(data);
	if (e == OK && ended)
		e = ledger_end(d, v->conversation, v->created_at, v->at, v->expires_at);
	return e;
}

static enum err tell_events(struct db *d, void *ctx)
{
	const struct events *all = ctx;
	enum err e = OK;

	for (int i = 0; e == OK && i < all->count; i++)
		e = tell_event(d, &all->list[i]);
	return e;
}

static enum err write_events(struct worker *w, const char *const *items, int count)
{
	struct events all = {.list = arena_alloc(&w->arena, (size_t)count * sizeof *all.list)};

	for (int i = 0; i < count; i++)
		if (parse(&all.list[all.count], items[i]))
			all.count++;
	if (all.count < count)
		log_line(LOG_ERROR, "events.strange", "i:items", (int64_t)(count - all.count), NULL);
	return db_write(w->db, tell_events, &all);
}

/* ---- to MainServer ---- */

/* How many may be tried now: none while the breaker is open, one when it wants a trial. So no attempt is counted that was none. */
static int allowed(struct worker *w)
{
	struct breaker_state s;
	int64_t now_ms, wait_ms;

	if (!breaker_look(w->redis, "mainserver", &s, &now_ms))
		return BATCH;
	switch (breaker_decide(&s, now_ms, &wait_ms)) { /* of a copy: whoever calls decides it for all */
	case BREAKER_WAIT: return 0;
	case BREAKER_TRY: return 1;
	case BREAKER_PASS: break;
	}
	return BATCH;
}

static enum err settle(struct worker *w, const struct webhooks_item *item, const struct webhook_result *r)
{
	int64_t now = clock_now_ms(), last = item->since + GIVE_UP_MS, next = now + r->retry_after_ms;
	enum err e;

	if (r->verdict == WEBHOOK_DELIVERED) {
		e = webhooks_delivered(w->db, item->id, item->attempt, now);
		worker_count(w, "delivered", e == OK);
	} else if (r->verdict == WEBHOOK_RETRY && now < last) {
		e = webhooks_failed(w->db, item->id, item->attempt, r->why, next < last ? next : last, now);
		worker_count(w, "retried", e == OK);
	} else {
		e = webhooks_failed(w->db, item->id, item->attempt, r->why, 0, now);
		worker_count(w, "dead", e == OK);
		log_line(LOG_WARN, "webhook.dead", "s:id", item->id, "s:type", item->type, "s:why", r->why, NULL);
	}
	return e == ERR_CONFLICT ? OK : e; /* another attempt has begun meanwhile: its outcome counts */
}

static enum err deliver(struct worker *w, struct mainserver *m, int most)
{
	struct webhook_result results[BATCH];
	struct webhook hooks[BATCH];
	struct webhooks_item *items;
	enum err e, one;
	int count;

	e = webhooks_claim(w->db, &w->arena, clock_now_ms(), LEASE_MS, most, &items, &count);
	if (e != OK || count == 0)
		return e;
	FAILPOINT("webhook.claimed");
	for (int i = 0; i < count; i++)
		hooks[i] = (struct webhook){.id = items[i].id,
			.body = items[i].payload,
			.body_len = strlen(items[i].payload),
			.request_id = items[i].request_id,
			.attempt = (int)(items[i].attempt < 1 ? 0
					: items[i].attempt > 60       ? 59
												  : items[i].attempt - 1)};
	mainserver_send(m, &w->caller, hooks, results, (size_t)count);
	FAILPOINT("webhook.sent");
	for (int i = 0; i < count; i++) {
		one = settle(w, &items[i], &results[i]);
		if (one != OK)
			e = one;
		FAILPOINT("webhook.settled");
	}
	if (e == OK && count == most)
		w->more = true;
	return e;
}

static enum err deliver_due(struct worker *w, struct mainserver *m)
{
	int64_t next = 0;
	enum err e = webhooks_next(w->db, &next);
	int most;

	if (e != OK || next == 0 || next > clock_now_ms() || (most = allowed(w)) == 0)
		return e;
	return deliver(w, m, most);
}

/* ---- what is over ---- */

static enum err prune(struct worker *w, struct outbox *o)
{
	int64_t now = clock_now_ms(), pruned, dead = 0;
	enum err e = webhooks_prune(w->db, now - KEEP_MS, PRUNE_BATCH, &pruned);

	if (e == OK && !o->mainserver)
		e = webhooks_give_up(w->db, now - GIVE_UP_MS, "NO_ADDRESS", now, &dead);
	worker_count(w, "dead", dead);
	if (e == OK && pruned == PRUNE_BATCH)
		w->more = true;
	else if (e == OK)
		o->pruned_ms = clock_mono_ms();
	return e;
}

/* ---- the job ---- */

static enum err open_job(struct worker *w, const char **why)
{
	struct outbox *o = w->own;
	enum err e = mainserver_open(&o->mainserver, why);

	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err run(struct worker *w)
{
	struct outbox *o = w->own;
	enum err e = OK;

	for (unsigned b = 0; e == OK && b < keys_buckets() && !worker_ending(w); b++)
		e = drain(w, b, "events", "events", write_events);
	if (e != OK || w->closing)
		return e;
	if (o->mainserver)
		e = deliver_due(w, o->mainserver);
	if (e == OK && (o->pruned_ms == 0 || clock_mono_ms() - o->pruned_ms > PRUNE_EACH_MS))
		e = prune(w, o);
	return e;
}

static void close_job(struct worker *w)
{
	struct outbox *o = w->own;

	mainserver_close(o->mainserver);
}

const struct job job_webhook = {.name = "webhook",
	.help = "what happened, told to MainServer",
	.at_end = true,
	.own_bytes = sizeof(struct outbox),
	.open = open_job,
	.run = run,
	.close = close_job};
