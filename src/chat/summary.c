#include "chat/summary.h"

#include <stdio.h>
#include <string.h>

#include "chat/call.h"
#include "store/keys.h"
#include "store/store.h"

struct pending {
	union {
		summary_asked *asked;
		summary_done *simple;
		summary_told *told;
	} done;
	void *ctx;
};

static struct pending *pending_new(void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->ctx = ctx;
	return p;
}

static const char *why_not(const struct reply *r)
{
	const char *why = reply_text(reply_at(r, 1), NULL);

	if (strcmp(why, "consent") == 0)
		return "The student has not consented to a summary.";
	return strcmp(why, "empty") == 0 ? "Nothing was said that could be summed up." : NULL;
}

static void asked(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	struct summary_request q = {0};
	enum err e = call_err(r, NULL);

	if (e == OK) {
		q.unchanged = strcmp(reply_text(reply_at(r, 1), NULL), "unchanged") == 0;
		q.at = reply_int(reply_at(r, 2));
		q.session_at = reply_int(reply_at(r, 3));
		snprintf(q.case_ref, sizeof q.case_ref, "%s", reply_text(reply_at(r, 4), NULL));
	}
	p->done.asked(p->ctx, e, e == OK ? &q : NULL, e == ERR_CONFLICT ? why_not(r) : e == ERR_FORBIDDEN ? "Summaries are off." : NULL);
	free(p);
}

static void answered(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done.simple(p->ctx, call_err(r, NULL));
	free(p);
}

void summary_ask(const struct ticket *by, bool anew, summary_asked *done, void *ctx)
{
	struct pending *p = pending_new(ctx);
	struct args a;

	p->done.asked = done;
	call_participant(&a, by);
	args_str(&a, anew ? "1" : "0");
	redis_script(store_commands(), "summary_request", &a, asked, p);
}

static void told(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	struct summary_terms t = {.consent = -1};
	enum err e = call_err(r, NULL);
	const char *consent = reply_text(reply_at(r, 2), NULL);

	snprintf(t.policy, sizeof t.policy, "%s", reply_text(reply_at(r, 1), NULL));
	if (*consent)
		t.consent = *consent == '1';
	t.was_asked = reply_int(reply_at(r, 3)) != 0;
	p->done.told(p->ctx, e, &t);
	free(p);
}

void summary_consent(const struct ticket *by, char given, summary_told *done, void *ctx)
{
	struct pending *p = pending_new(ctx);
	char text[2] = {given, '\0'};
	struct args a;

	p->done.told = done;
	call_participant(&a, by);
	args_str(&a, text);
	redis_script(store_commands(), "summary_consent", &a, told, p);
}

void summary_look(const char *conversation, int64_t session_at, summary_done *done, void *ctx)
{
	struct pending *p = pending_new(ctx);
	struct args a;

	p->done.simple = done;
	args_init(&a);
	keys_conversation(&a, conversation);
	args_int(&a, session_at);
	redis_script(store_commands(), "summary_look", &a, answered, p);
}
