/* The job `expiry`: the bookkeeping of sessions that are over, by their deadline or erased before it ({b}:due). In this order, so that a death
 * anywhere is made good by the next round: all keys go, and open streams learn of it (one script); the ledger's row is completed and MainServer's
 * message queued (one transaction); what SQL keeps of an erased session goes; the list forgets it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "store/audit.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "store/summaries.h"
#include "store/vault.h"
#include "worker/aof.h"
#include "worker/audit.h"
#include "worker/due.h"
#include "worker/jobs.h"
#include "worker/tell.h"

#define BATCH 100

/* One that is over. */
struct over {
	const char *conversation;
	const char *request_id; /* of the HTTP request that erased it */
	bool stub;              /* else nothing is left of it but the list's entry */
	bool erased;
	int64_t created_at, gone_at, messages, expires_at, ended_at, ttl; /* messages -1: to be counted; ttl 0: not known */
	bool again;                                                       /* its row was complete already: someone died after that */
};

struct batch {
	struct over list[BATCH];
	size_t count;
	struct arena *arena;
	bool to_count;
	int64_t cut;               /* up to then the audit is not whole */
	int64_t closed, forgotten; /* of the last attempt */
};

/* ---- Redis: look, erase ---- */

static void fill_id(void *ctx, size_t i, struct args *args)
{
	keys_conversation(args, told_text(told_at(ctx, i)));
}

static void read_over(struct batch *b, const char *id, const struct told *t)
{
	struct over *o = &b->list[b->count];

	if (strcmp(told_text(told_at(t, 1)), "alive") == 0)
		return;
	*o = (struct over){.conversation = id, .stub = strcmp(told_text(told_at(t, 1)), "gone") == 0, .messages = -1};
	if (o->stub) {
		o->erased = strcmp(told_text(told_at(t, 2)), "erased") == 0;
		o->created_at = told_int(told_at(t, 3));
		o->gone_at = told_int(told_at(t, 4));
		o->messages = told_int(told_at(t, 5));
		o->expires_at = told_int(told_at(t, 6));
		o->ended_at = told_int(told_at(t, 7));
		o->ttl = told_int(told_at(t, 8));
		o->request_id = told_text(told_at(t, 9));
	} else {
		o->expires_at = told_int(told_at(t, 2));
	}
	b->to_count |= o->messages < 0;
	b->count++;
}

/* Those that are due in a bucket, looked at. */
static enum err look(struct worker *w, unsigned bucket, struct batch *b)
{
	const struct told *ids, *told[BATCH];
	enum err e, errs[BATCH];
	size_t n;

	e = due_list(w, bucket, "due", BATCH, &ids, &n);
	if (e != OK)
		return e;
	ask_scripts(w->redis, &w->arena, "due_look", fill_id, (void *)ids, n, errs, told);
	for (size_t i = 0; i < n; i++) {
		if (errs[i] == OK)
			read_over(b, told_text(told_at(ids, i)), told[i]);
		else
			e = errs[i];
	}
	return e;
}

/* ---- what went by its TTL, before anybody looked ---- */

/* What happened there is in SQL then, whole but for what was cut off before anybody fetched it. */
static enum err fetch_audit(struct worker *w, unsigned bucket, struct batch *b)
{
	const struct told *t;
	struct args a;
	enum err e = audit_drain(w, bucket);

	if (e != OK)
		return e;
	args_init(&a);
	args_str(&a, "GET");
	args_printf(&a, "{%u}:audit:cut", bucket);
	e = ask_command(w->redis, &w->arena, &a, &t);
	if (e == OK)
		b->cut = strtoll(told_text(t), NULL, 10);
	return e;
}

/* How many messages, until when, and whether it was ended: as the audit has it. Where that is not whole, nobody knows. */
static enum err count(struct db *d, const struct batch *b, struct over *o)
{
	struct audit_counts c;
	enum err e = audit_count(d, o->conversation, o->created_at, &c);

	if (e != OK || !c.whole || o->created_at <= b->cut)
		return e;
	o->messages = c.messages;
	if (c.ended > 0)
		o->ended_at = c.ended;
	if (o->ttl > 0)
		o->expires_at = (c.activity > 0 ? c.activity : o->created_at) + o->ttl;
	return OK;
}

/* ---- SQL: the ledger, MainServer, leftovers ---- */

/* Not even a stub is left: the row says what there was to know. */
static enum err recall(struct db *d, struct batch *b, struct over *o, bool *known)
{
	struct ledger_row row;
	enum err e = ledger_get(d, b->arena, o->conversation, &row);

	*known = e == OK && row.closed_at == 0 && row.created_at <= o->expires_at;
	if (*known) {
		o->created_at = row.created_at;
		o->ended_at = row.ended_at;
		if (row.ended_at > 0) /* its deadline has not moved since */
			o->expires_at = row.expires_at;
		else
			o->ttl = row.expires_at - row.created_at;
		o->gone_at = o->expires_at;
	}
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err tell_over(struct db *d, const struct over *o)
{
	json_t *data = json_pack("{s:s, s:s, s:I, s:I}", "sessionId", o->conversation, "reason", o->erased ? "erased" : "expired", "createdAt",
		(json_int_t)o->created_at, "at", (json_int_t)o->gone_at);
	enum err e;

	if (!data)
		abort();
	if (o->messages >= 0)
		json_object_set_new(data, "messageCount", json_integer(o->messages));
	if (o->ended_at > 0)
		json_object_set_new(data, "endedAt", json_integer(o->ended_at));
	e = tell_item(d,
		&(struct tell_item){.type = "session.expired",
			.conversation = o->conversation,
			.request_id = o->request_id,
			.key_ms = o->created_at,
			.at_ms = o->gone_at},
		data);
	json_decref(data);
	return e;
}

static enum err settle_one(struct db *d, struct batch *b, struct over *o)
{
	struct ledger_row row = {.conversation = o->conversation};
	bool known = true, closed_now;
	int64_t forgotten = 0;
	enum err e = o->stub ? OK : recall(d, b, o, &known);

	if (e == OK && known && o->messages < 0)
		e = count(d, b, o);
	if (e != OK || !known)
		return e;
	row.created_at = o->created_at;
	row.expires_at = o->expires_at;
	row.ended_at = o->ended_at;
	row.messages = o->messages;
	e = ledger_close(d, &row, o->erased ? LEDGER_ERASED : LEDGER_EXPIRED, o->gone_at, &closed_now);
	o->again = e == OK && !closed_now;
	if (e == OK && closed_now) {
		b->closed++;
		e = tell_over(d, o);
	}
	if (e == OK && o->erased && o->again)
		e = ledger_erased(d, o->conversation, o->created_at);
	if (e == OK && o->erased)
		e = summaries_erase(d, o->conversation, o->created_at, &forgotten);
	b->forgotten += forgotten + (o->erased && o->again);
	return e;
}

static enum err settle(struct db *d, void *ctx)
{
	struct batch *b = ctx;
	enum err e = OK;

	b->closed = b->forgotten = 0;
	for (size_t i = 0; e == OK && i < b->count; i++)
		e = settle_one(d, b, &b->list[i]);
	return e;
}

/* ---- and off the list ---- */

static void fill_done(void *ctx, size_t i, struct args *args)
{
	const struct batch *b = ctx;

	keys_conversation(args, b->list[i].conversation);
	args_int(args, b->list[i].stub ? b->list[i].gone_at : 0);
}

static enum err finish(struct worker *w, struct batch *b)
{
	const struct told *told[BATCH];
	enum err errs[BATCH], e = OK;

	ask_scripts(w->redis, &w->arena, "due_done", fill_done, b, b->count, errs, told);
	for (size_t i = 0; i < b->count; i++)
		if (errs[i] != OK && errs[i] != ERR_CONFLICT)
			e = errs[i];
	return e;
}

static enum err one_bucket(struct worker *w, unsigned bucket)
{
	struct batch b = {.arena = &w->arena};
	enum err looked = look(w, bucket, &b), e;

	if (b.count == 0)
		return looked;
	for (size_t i = 0; i < b.count; i++)
		vault_remove_all(VAULT_MEMORY, b.list[i].conversation); /* what lies on other hosts their job `files` finds */
	FAILPOINT("expiry.erased");
	aof_dirty(w->own);
	e = b.to_count ? fetch_audit(w, bucket, &b) : OK;
	if (e == OK)
		e = db_write(w->db, settle, &b);
	FAILPOINT("expiry.settled");
	if (e == OK && b.forgotten > 0)
		e = db_scrub(w->db, "summaries");
	FAILPOINT("expiry.scrubbed");
	if (e == OK)
		e = finish(w, &b);
	FAILPOINT("expiry.finished");
	if (e == OK)
		worker_count(w, "closed", b.closed);
	return e != OK ? e : looked;
}

/* ---- the job ---- */

static enum err open_job(struct worker *w, const char **why)
{
	(void)why;
	w->own = aof_new(w);
	return OK;
}

static enum err run(struct worker *w)
{
	enum err e = due_each_bucket(w, one_bucket); /* erasing does not wait for SQL */
	enum err rewritten = w->closing ? OK : aof_rewrite(w->own);

	return e != OK ? e : rewritten;
}

static void close_job(struct worker *w)
{
	aof_free(w->own);
}

const struct job job_expiry = {.name = "expiry",
	.help = "sessions that are over: erased, accounted for, MainServer told",
	.at_end = true,
	.open = open_job,
	.run = run,
	.close = close_job};
