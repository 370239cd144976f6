/* MainServer's routes: sessions are opened, looked at, assigned, ended, erased, and their participants get tickets (design §7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/copy.h"
#include "api/guard.h"
#include "api/routes.h"
#include "api/sessions_body.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "store/dbpool.h"
#include "store/ledger.h"
#include "store/summaries.h"
#include "store/vault.h"

#define ANSWER_MAX_BYTES (16 * 1024)

static const char *path_session(const struct exchange *x)
{
	return x->request.params[0];
}

/* ---- what answers are made of ---- */

static int64_t ticket_expiry(void)
{
	return clock_now_ms() + config_number("ROOM_TICKET_S") * 1000;
}

/* Appends the JWT, in quotes, of the session's student or counselor. Its permissions are the role's: the session's own narrow them in the store. */
static void write_ticket(struct buf *b, const struct session *s, bool student, int64_t expires_at_ms)
{
	struct ticket t = {.kind = TICKET_PARTICIPANT, .acts = student ? ACTS_STUDENT : ACTS_COUNSELOR, .expires_at_ms = expires_at_ms};

	snprintf(t.conversation, sizeof t.conversation, "%s", s->id);
	snprintf(t.participant, sizeof t.participant, "%s", student ? s->student : s->counselor);
	snprintf(t.side, sizeof t.side, "%s", student ? "student" : "counselor");
	snprintf(t.role, sizeof t.role, "%s", student ? "student" : s->counselor_role);
	ticket_mint_json(b, &t);
}

/* "name": "text", or null when it is "". Ids and our own words: nothing to escape. */
static void write_text(struct buf *b, const char *name, const char *text)
{
	if (*text)
		buf_printf(b, ",\"%s\":\"%s\"", name, text);
	else
		buf_printf(b, ",\"%s\":null", name);
}

/* The session without its closing brace, so that members can follow. */
static void write_session(struct buf *b, const struct session *s)
{
	const char *comma = "";

	buf_printf(b, "{\"sessionId\":\"%s\",\"status\":\"%s\",\"createdAt\":%lld,\"expiresAt\":%lld,\"lastActivityAt\":%lld", s->id, s->status,
		(long long)s->created_at, (long long)s->expires_at, (long long)s->last_activity_at);
	write_text(b, "studentAnonymousId", s->student);
	write_text(b, "counselorId", s->counselor);
	write_text(b, "counselorRole", *s->counselor ? s->counselor_role : "");
	write_text(b, "caseRef", s->case_ref);
	write_text(b, "summaries", s->summaries);
	buf_printf(b, ",\"messageCount\":%lld,\"online\":[", (long long)s->messages);
	if (s->online_student) {
		buf_printf(b, "\"%s\"", s->student);
		comma = ",";
	}
	if (s->online_counselor)
		buf_printf(b, "%s\"%s\"", comma, s->counselor);
	buf_char(b, ']');
}

static void answer_session(struct exchange *x, enum err e, const struct session *s, bool with_ticket)
{
	struct buf out;

	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	buf_init(&out, ANSWER_MAX_BYTES);
	write_session(&out, s);
	if (with_ticket) {
		BUF_LIT(&out, ",\"tickets\":{\"counselor\":");
		write_ticket(&out, s, false, ticket_expiry());
		buf_char(&out, '}');
	}
	buf_char(&out, '}');
	exchange_json(x, 200, &out);
	buf_done(&out);
}

static void shown(void *exchange, enum err e, const struct session *s)
{
	answer_session(exchange, e, s, false);
}

/* ---- open, look, assign ---- */

/* A session on its way into the ledger. */
struct opening {
	struct exchange *exchange;
	struct session session;
};

static void answer_created(struct exchange *x, const struct session *s)
{
	int64_t until = ticket_expiry();
	struct buf out;

	buf_init(&out, ANSWER_MAX_BYTES);
	buf_printf(&out, "{\"sessionId\":\"%s\",\"createdAt\":%lld,\"expiresAt\":%lld,\"chatServiceUrl\":", s->id, (long long)s->created_at,
		(long long)s->expires_at);
	buf_json(&out, config_public_url(), strlen(config_public_url()));
	BUF_LIT(&out, ",\"tickets\":{\"student\":");
	write_ticket(&out, s, true, until);
	if (*s->counselor) {
		BUF_LIT(&out, ",\"counselor\":");
		write_ticket(&out, s, false, until);
	}
	BUF_LIT(&out, "}}");
	exchange_json(x, s->created ? 201 : 200, &out);
	buf_done(&out);
}

/* On a thread of the pool. */
static void write_ledger(struct db *d, void *opening)
{
	struct opening *o = opening;
	const struct session *s = &o->session;
	enum err e = d ? ledger_open(d, s->id, s->created_at, s->expires_at, *s->case_ref ? s->case_ref : NULL) : ERR_STORE_UNAVAILABLE;

	FAILPOINT("create.ledger");
	if (e == OK)
		answer_created(o->exchange, s);
	else
		answer_error(o->exchange, e, NULL, 0);
	free(o);
}

/* Redis has it; the ledger's row comes next, and only then the answer: so no session that was answered can get lost unnoticed. Whoever gets an error
 * instead may repeat the request: to Redis it is the same session again, and a row that is there stays as it is. */
static void created(void *exchange, enum err e, const struct session *s)
{
	struct opening *o;

	if (e != OK) {
		answer_error(exchange, e, NULL, 0);
		return;
	}
	FAILPOINT("create.redis");
	o = malloc(sizeof *o);
	if (!o)
		abort();
	*o = (struct opening){exchange, *s};
	e = dbpool_run(write_ledger, o);
	if (e != OK) {
		answer_error(exchange, e, NULL, 0);
		free(o);
	}
}

void sessions_create(struct exchange *x)
{
	char made[sizeof "sess_" + 22];
	struct session_new n;
	struct body b;

	body_open(&b, &x->request, true);
	sessions_read_new(&b, &n);
	if (b.error == OK && !n.id) {
		id_new(made, "sess_");
		n.id = made;
	}
	if (b.error == OK)
		session_create(&n, created, x);
	else
		answer_error(x, b.error, b.details, 0);
	body_close(&b);
}

void sessions_show(struct exchange *x)
{
	session_get(path_session(x), shown, x);
}

static void assigned(void *exchange, enum err e, const struct session *s)
{
	answer_session(exchange, e, s, true);
}

void sessions_assign(struct exchange *x)
{
	const char *counselor, *role;
	struct body b;

	body_open(&b, &x->request, true);
	counselor = body_id(&b, "counselorId", true);
	role = sessions_read_role(&b);
	if (b.error == OK)
		session_assign(path_session(x), counselor, role, assigned, x);
	else
		answer_error(x, b.error, b.details, 0);
	body_close(&b);
}

/* ---- end, erase ---- */

static void show_ended(struct exchange *x, enum err e, const struct session *s)
{
	answer_session(x, e, s, false);
}

static void ended(void *exchange, enum err e, const struct session *s)
{
	if (e == OK)
		copy_then(exchange, s, show_ended);
	else
		answer_error(exchange, e, NULL, 0);
}

void sessions_end(struct exchange *x)
{
	if (guard_bare_body(x))
		session_end(path_session(x), ticket_of(x), ended, x);
}

struct forgetting {
	const char *session;
	int64_t erased;
};

static enum err forget_all(struct db *d, void *ctx)
{
	struct forgetting *f = ctx;
	enum err e = ledger_erased(d, f->session, 0);

	return e == OK ? summaries_erase(d, f->session, 0, &f->erased) : e;
}

/* On a thread of the pool. Redis knows nothing of it any more, but a summary may be left. */
static void forget(struct db *d, void *exchange)
{
	struct forgetting f = {.session = path_session(exchange)};
	enum err e = d ? db_write(d, forget_all, &f) : ERR_STORE_UNAVAILABLE;

	if (e == OK)
		e = f.erased > 0 ? db_scrub(d, "summaries") : ERR_NOT_FOUND;
	answer_empty(exchange, e);
}

static void erased(void *exchange, enum err e, const struct session *s)
{
	(void)s;
	if (e == OK)
		vault_remove_all(VAULT_MEMORY, path_session(exchange));
	if (e == ERR_NOT_FOUND)
		e = dbpool_run(forget, exchange);
	else if (e == OK)
		answer_empty(exchange, OK);
	if (e != OK)
		answer_error(exchange, e, NULL, 0);
}

void sessions_erase(struct exchange *x)
{
	session_erase(path_session(x), ticket_of(x), erased, x);
}

/* ---- a fresh ticket ---- */

static void ticketed(void *exchange, enum err e, const struct session *s)
{
	struct exchange *x = exchange;
	const bool *student = visit_of(x)->more;
	int64_t until = ticket_expiry();
	struct buf out;

	if (e == OK && !*student && !*s->counselor) {
		answer_error(x, ERR_CONFLICT, "Nobody is assigned yet.", 0);
		return;
	}
	if (e != OK) {
		answer_error(x, e, NULL, 0);
		return;
	}
	buf_init(&out, ANSWER_MAX_BYTES);
	BUF_LIT(&out, "{\"ticket\":");
	write_ticket(&out, s, *student, until);
	buf_printf(&out, ",\"role\":\"%s\",\"expiresAt\":%lld}", *student ? "student" : s->counselor_role, (long long)(until / 1000 * 1000));
	exchange_json(x, 201, &out);
	buf_done(&out);
}

void sessions_ticket(struct exchange *x)
{
	static const char *const words[] = {"student", "counselor", NULL};
	const char *participant;
	struct body b;
	bool *student;

	body_open(&b, &x->request, true);
	participant = body_word(&b, "participant", words, NULL);
	if (!participant)
		body_wrong(&b, ERR_BAD_REQUEST, "participant must be \"student\" or \"counselor\".");
	if (!guard_body(x, &b))
		return;
	student = arena_alloc(&x->arena, sizeof *student);
	*student = participant && strcmp(participant, "student") == 0;
	visit_of(x)->more = student;
	session_get(path_session(x), ticketed, x);
}
