/* The job `push`: whoever is away is told that something waits, once until it comes ({b}:push; the judging is in store/lua/push_claim.lua). A round claims
 * what is due, asks FCM for all of it at once, and notes what became of each. A death between claim and note leaves the claim, which lapses after
 * LEASE_MS: then it is judged anew, and perhaps sent once more; the device shows one, because all pushes collapse. Nothing here says who or what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "chat/device.h"
#include "outside/fcm.h"
#include "store/devices.h"
#include "store/keys.h"
#include "worker/due.h"
#include "worker/jobs.h"

enum {
	BATCH = 64,
	LEASE_MS = 180000,
	NO_DEVICE_MS = 60000,  /* looked at again after so long, then twice that … */
	NO_DEVICE_DOUBLED = 4, /* … so many times */
	NO_SQL_MS = 5000,
};
_Static_assert(DEVICE_TARGET_MAX <= FCM_TARGET_MAX, "what is taken can be sent");

struct due {
	char conversation[ID_MAX + 1], participant[ID_MAX + 1];
	const char *claim;
	const char *given; /* the session's device as it is kept there; "": the person's, from SQL */
	struct device device;
	int64_t until_ms; /* when the session ends, clock_mono_ms */
	int attempt;

	const char *outcome; /* of store/lua/push_done.lua, with its arguments; NULL: not claimed, or to be sent */
	int64_t again_ms;
	int counts;
	const char *text;
};

struct round {
	struct worker *w;
	struct due *list[BATCH]; /* the claimed ones */
	size_t count;
	int64_t asked_ms;
};

/* ---- claim ---- */

static bool read_member(struct due *d, const char *member)
{
	int end = 0;

	return sscanf(member, "%64s %64s%n", d->conversation, d->participant, &end) == 2 && member[end] == '\0';
}

static void fill_claim(void *ctx, size_t i, struct args *args)
{
	struct due *const *list = ctx;

	keys_conversation(args, list[i]->conversation);
	args_str(args, list[i]->participant);
	args_int(args, LEASE_MS);
}

/* The person's own device, when the session knows none: only counselors have one. */
static enum err find_device(struct worker *w, struct due *d, bool counselor)
{
	struct device_row row;
	enum err e = ERR_NOT_FOUND;

	if (*d->given && device_read(&d->device, d->given))
		return OK;
	d->given = "";
	if (counselor)
		e = devices_get(w->db, &w->arena, d->participant, &row);
	FAILPOINT("push.device");
	if (e == ERR_NOT_FOUND) {
		d->outcome = "none";
		d->again_ms = (int64_t)NO_DEVICE_MS << (d->attempt < NO_DEVICE_DOUBLED ? d->attempt : NO_DEVICE_DOUBLED);
		return OK;
	}
	if (e != OK) {
		d->outcome = "again";
		d->again_ms = NO_SQL_MS;
		return e;
	}
	d->device.fid = strcmp(row.kind, "fid") == 0;
	snprintf(d->device.target, sizeof d->device.target, "%s", row.value);
	return OK;
}

/* One answer of push_claim. */
static enum err take(struct round *r, struct due *d, const struct told *t)
{
	const char *word = told_text(told_at(t, 1));

	if (strcmp(word, "claimed") != 0) {
		if (strcmp(word, "taken") != 0)
			worker_count(r->w, strcmp(word, "later") == 0 ? "later" : "dropped", 1);
		return OK;
	}
	d->claim = told_text(told_at(t, 2));
	d->given = told_text(told_at(t, 4));
	d->until_ms = r->asked_ms + told_int(told_at(t, 5));
	d->attempt = (int)told_int(told_at(t, 6));
	r->list[r->count++] = d;
	if (!r->w->own) {
		d->outcome = "off";
		return OK;
	}
	return find_device(r->w, d, strcmp(told_text(told_at(t, 3)), "counselor") == 0);
}

/* A member that is none of ours would be looked at for ever. */
static enum err remove_strange(struct worker *w, unsigned bucket, const char *member)
{
	struct args a;

	log_line(LOG_ERROR, "push.strange", NULL);
	args_init(&a);
	args_str(&a, "ZREM");
	args_printf(&a, "{%u}:push", bucket);
	args_str(&a, member);
	return ask_command(w->redis, &w->arena, &a, NULL);
}

static enum err claim(struct round *r, unsigned bucket)
{
	struct worker *w = r->w;
	const struct told *members, *told[BATCH];
	struct due *list[BATCH];
	enum err e, errs[BATCH];
	size_t n = 0, found;

	e = due_list(w, bucket, "push", BATCH, &members, &found);
	if (e != OK)
		return e;
	for (size_t i = 0; i < found && e == OK; i++) {
		list[n] = arena_alloc(&w->arena, sizeof *list[n]);
		memset(list[n], 0, sizeof *list[n]);
		if (read_member(list[n], told_text(told_at(members, i))))
			n++;
		else
			e = remove_strange(w, bucket, told_text(told_at(members, i)));
	}
	FAILPOINT("push.look");
	r->asked_ms = clock_mono_ms();
	ask_scripts(w->redis, &w->arena, "push_claim", fill_claim, list, n, errs, told);
	FAILPOINT("push.claim");
	for (size_t i = 0; i < n; i++) {
		enum err one = errs[i] == OK ? take(r, list[i], told[i]) : errs[i];
		if (one != OK)
			e = one;
	}
	return e;
}

/* ---- send ---- */

/* Its device is gone. The session's goes with the note that follows; whatever comes of that, a person's goes now. */
static enum err forget(struct worker *w, struct due *d)
{
	enum err e = *d->given ? OK : devices_forget(w->db, d->participant, d->device.target);

	FAILPOINT("push.forget");
	if (e == OK) {
		d->outcome = "forget";
		d->text = d->given;
	} else {
		d->outcome = "again";
		d->again_ms = NO_SQL_MS;
	}
	w->more = true; /* perhaps there is another */
	return e;
}

static enum err judge(struct worker *w, struct due *d, const struct fcm_result *result)
{
	switch (result->verdict) {
	case FCM_DELIVERED: d->outcome = "sent"; break;
	case FCM_FORGET_TARGET: return forget(w, d);
	case FCM_RETRY_AFTER:
		d->outcome = "again";
		d->again_ms = result->retry_after_ms;
		d->counts = strcmp(result->why, CALLER_BREAKER) != 0; /* an open breaker: it was not tried */
		break;
	case FCM_KEEP_AND_FAIL:
	case FCM_DROP:
		d->outcome = "dead";
		d->text = result->why;
		log_line(LOG_WARN, "push.dead", "s:why", result->why, "i:status", (int64_t)result->status, NULL);
		break;
	}
	return OK;
}

static enum err deliver(struct round *r)
{
	struct fcm_push pushes[BATCH];
	struct fcm_result results[BATCH];
	struct due *list[BATCH];
	size_t n = 0;
	enum err e = OK;

	for (size_t i = 0; i < r->count; i++) {
		struct due *d = r->list[i];
		if (d->outcome)
			continue;
		list[n] = d;
		pushes[n++] = (struct fcm_push){.target = d->device.target, .fid = d->device.fid, .until_ms = d->until_ms, .attempt = d->attempt};
	}
	if (n == 0)
		return OK;
	fcm_send(r->w->own, &r->w->caller, pushes, results, n);
	FAILPOINT("push.send");
	for (size_t i = 0; i < n; i++) {
		enum err one = judge(r->w, list[i], &results[i]);
		if (one != OK)
			e = one;
	}
	return e;
}

/* ---- note ---- */

static void fill_done(void *ctx, size_t i, struct args *args)
{
	struct due *d = ((struct round *)ctx)->list[i];

	keys_conversation(args, d->conversation);
	args_str(args, d->participant);
	args_str(args, d->claim);
	args_str(args, d->outcome);
	if (d->text)
		args_str(args, d->text);
	else
		args_int(args, d->again_ms);
	args_int(args, d->counts);
}

static const char *word_of(const struct due *d, const struct told *t)
{
	if (strcmp(told_text(told_at(t, 1)), "dead") == 0)
		return "dead";
	return strcmp(d->outcome, "none") == 0 ? "no_device" : strcmp(d->outcome, "forget") == 0 ? "forgotten" : d->outcome;
}

static enum err note(struct round *r)
{
	enum err errs[BATCH], e = OK;
	const struct told *told[BATCH];

	ask_scripts(r->w->redis, &r->w->arena, "push_done", fill_done, r, r->count, errs, told);
	FAILPOINT("push.note");
	for (size_t i = 0; i < r->count; i++) {
		if (errs[i] == OK)
			worker_count(r->w, word_of(r->list[i], told[i]), 1);
		else if (errs[i] != ERR_CONFLICT) /* the claim lapsed, or the session went: nothing to note */
			e = errs[i];
	}
	return e;
}

/* ---- the job ---- */

static enum err run_bucket(struct worker *w, unsigned bucket)
{
	struct round r = {.w = w};
	enum err e = claim(&r, bucket), sent, noted;

	if (r.count == 0)
		return e;
	sent = deliver(&r);
	noted = note(&r);
	return noted != OK ? noted : sent != OK ? sent : e;
}

static enum err run(struct worker *w)
{
	return due_each_bucket(w, run_bucket);
}

/* Without FCM the queue is worked all the same: MainServer learns that messages wait. */
static enum err open_fcm(struct worker *w, const char **why)
{
	struct fcm *f = NULL;
	enum err e = fcm_open(&f, why);

	w->own = f;
	return e == ERR_NOT_FOUND ? OK : e;
}

static void close_fcm(struct worker *w)
{
	fcm_close(w->own);
}

const struct job job_push = {.name = "push",
	.help = "tell whoever is away that something waits (FCM, MainServer)",
	.open = open_fcm,
	.run = run,
	.close = close_fcm};
