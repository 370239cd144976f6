#include "chat/session.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "chat/call.h"
#include "store/keys.h"
#include "store/store.h"

struct pending {
	session_done *done;
	void *ctx;
	char id[ID_MAX + 1];
};

static struct pending *pending_new(const char *id, session_done *done, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->done = done;
	p->ctx = ctx;
	snprintf(p->id, sizeof p->id, "%s", id);
	return p;
}

static void text(char *out, size_t room, const struct reply *r)
{
	snprintf(out, room, "%s", reply_text(r, NULL));
}

/* The reply of store/lua/_session.lua. */
static void read_session(struct session *s, const char *id, const struct reply *r)
{
	memset(s, 0, sizeof *s);
	snprintf(s->id, sizeof s->id, "%s", id);
	s->created = reply_int(reply_at(r, 1)) != 0;
	text(s->status, sizeof s->status, reply_at(r, 2));
	s->created_at = reply_int(reply_at(r, 3));
	s->expires_at = reply_int(reply_at(r, 4));
	s->last_activity_at = reply_int(reply_at(r, 5));
	text(s->student, sizeof s->student, reply_at(r, 6));
	text(s->counselor, sizeof s->counselor, reply_at(r, 7));
	text(s->counselor_role, sizeof s->counselor_role, reply_at(r, 8));
	text(s->case_ref, sizeof s->case_ref, reply_at(r, 9));
	text(s->summaries, sizeof s->summaries, reply_at(r, 10));
	s->acts_student = (unsigned)reply_int(reply_at(r, 11));
	s->acts_counselor = (unsigned)reply_int(reply_at(r, 12));
	s->messages = reply_int(reply_at(r, 13));
	s->online_student = reply_int(reply_at(r, 14)) != 0;
	s->online_counselor = reply_int(reply_at(r, 15)) != 0;
	s->copy_at = reply_int(reply_at(r, 16));
}

static void answered(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;
	struct session s;
	enum err e = call_err(r, NULL);

	if (e == OK)
		read_session(&s, p->id, r);
	p->done(p->ctx, e, e == OK ? &s : NULL);
	free(p);
}

static void erased(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done(p->ctx, call_err(r, NULL), NULL);
	free(p);
}

void session_create(const struct session_new *n, session_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, n->id);
	args_str(&a, n->student);
	args_str(&a, n->counselor);
	args_str(&a, n->counselor_role);
	args_str(&a, n->case_ref);
	args_str(&a, n->summaries);
	args_int(&a, n->summarize_on_end);
	args_int(&a, n->acts_student);
	args_int(&a, n->acts_counselor);
	args_str(&a, n->device_student);
	args_str(&a, n->device_counselor);
	args_int(&a, n->ttl_ms);
	call_hex(&a, ID_CHECK_LEN);
	call_hex(&a, 32);
	redis_script(store_commands(), "session_create", &a, answered, pending_new(n->id, done, ctx));
}

void session_get(const char *id, session_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, id);
	redis_script(store_commands(), "session_get", &a, answered, pending_new(id, done, ctx));
}

void session_assign(const char *id, const char *counselor, const char *role, session_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, id);
	args_str(&a, counselor);
	args_str(&a, role);
	call_hex(&a, 2 * ID_CHECK_LEN);
	redis_script(store_commands(), "session_assign", &a, answered, pending_new(id, done, ctx));
}

/* ARGV 1 and 2: a participant and its side; '' for the service. */
static void add_who(struct args *a, const struct ticket *by)
{
	bool service = by->kind == TICKET_SERVICE;

	args_str(a, service ? "" : by->participant);
	args_str(a, service ? "" : by->side);
}

void session_end(const char *id, const struct ticket *by, session_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, id);
	add_who(&a, by);
	args_str(&a, by->role);
	args_int(&a, by->acts);
	call_mark(&a, by->request);
	args_str(&a, *config_text("ROOM_GEMINI_KEY") ? "1" : "0");
	redis_script(store_commands(), "session_end", &a, answered, pending_new(id, done, ctx));
}

void session_erase(const char *id, const struct ticket *by, session_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	keys_conversation(&a, id);
	add_who(&a, by);
	args_int(&a, by->acts);
	args_str(&a, "erased");
	args_str(&a, by->request);
	redis_script(store_commands(), "session_erase", &a, erased, pending_new(id, done, ctx));
}
