/* See membership.h. Called by api/participants. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "chat/announce.h"
#include "chat/lasting_log.h"
#include "chat/membership.h"
#include "store/conversations_change.h"
#include "store/members.h"

/* One change on its way through a transaction, which may run several times. */
struct move {
	struct arena *arena;
	const struct ticket *by;
	const char *id, *participant, *role;
	int64_t silenced_until;
	const char *why;
	int retry_after_s;
	struct member out;
	bool changed, departing; /* departing: asked for by nobody's right */
};

/* Runs step in a transaction on the locked conversation, and announces what it changed. */
static enum err run(struct db *d, struct move *m, enum err (*step)(struct db *d, void *move), const char **why)
{
	enum err e;

	m->why = NULL;
	e = db_write(d, step, m);
	if (e == OK && m->changed)
		announce(m->id);
	*why = e == OK ? NULL : m->why;
	return e;
}

/* What time it is is asked afterwards: times don't go back along a log. */
static enum err begin(struct db *d, struct move *m, struct conversation *c)
{
	m->changed = false;
	m->why = NULL;
	m->retry_after_s = 0;
	return conversations_lock(d, m->arena, m->id, conversation_asker(m->by), c);
}

static enum err refuse(struct move *m, enum err e, const char *why)
{
	m->why = why;
	return e;
}

static enum err tell_of(
	struct db *d, struct conversation *c, const struct move *m, const char *event, const char *participant, const char *role, int64_t now)
{
	char more[3 * ID_MAX];

	snprintf(more, sizeof more, "\"participant\":\"%s\",\"role\":\"%s\"", participant, role);
	return conversation_tell(d, c, m->by, event, more, now);
}

/* ---- in ---- */

static enum err may_invite(struct db *d, struct move *m)
{
	struct quota_wait wait;
	enum err e = quota_take(d, m->by, QUOTA_INVITES, 1, &wait);

	m->retry_after_s = wait.retry_after_s;
	return e == OK ? OK : refuse(m, e, wait.why);
}

static const char *default_role(const char *type)
{
	return strcmp(type, "business") == 0 ? "customer" : "member";
}

static enum err known(struct db *d, struct move *m, const struct conversation *c)
{
	enum err e = conversations_member(d, m->arena, c->n, m->participant, &m->out);

	if (e == OK && m->role && strcmp(m->role, m->out.role) != 0)
		return refuse(m, ERR_CONFLICT, "This participant is in it, with another role.");
	return e;
}

static enum err add(struct db *d, void *move)
{
	struct move *m = move;
	struct conversation c;
	const char *role;
	enum err e = begin(d, m, &c);
	int64_t now = clock_now_ms(), people = 0;

	if (e == OK)
		e = conversation_may(&c, m->by, RIGHT_INVITE);
	if (e != OK)
		return e;
	role = m->role ? m->role : default_role(c.type);
	if (!rights_may_invite_as(conversation_role(&c, m->by), role))
		return refuse(m, ERR_FORBIDDEN, "Your role does not give out that role.");
	e = known(d, m, &c);
	if (e != ERR_NOT_FOUND)
		return e;
	e = members_count(d, c.n, NULL, &people);
	if (e == OK && people >= config_number("ROOM_GROUP_MOST"))
		return refuse(m, ERR_CONFLICT, "The conversation has as many people as it may have.");
	if (e == OK)
		e = may_invite(d, m);
	if (e == OK)
		e = tell_of(d, &c, m, "user:joined", m->participant, role, now);
	if (e == OK)
		e = members_add(d, &c, m->participant, role, now, &m->changed);
	return e == OK ? conversations_member(d, m->arena, c.n, m->participant, &m->out) : e;
}

enum err membership_add(struct db *d, struct arena *a, const struct ticket *by, const char *id, const char *participant, const char *role,
	struct member *out, bool *added, const char **why, int *retry_after_s)
{
	struct move m = {.arena = a, .by = by, .id = id, .participant = participant, .role = role};
	enum err e = run(d, &m, add, why);

	*out = m.out;
	*added = m.changed;
	*retry_after_s = e == ERR_RATE_LIMITED ? m.retry_after_s : 0;
	return e;
}

/* ---- out ---- */

static enum err another_admin(struct db *d, const struct conversation *c, bool *there)
{
	int64_t admins = 0;
	enum err e = members_count(d, c->n, "admin", &admins);

	*there = admins > 0;
	return e;
}

/* A group is never without an admin. */
static enum err promote(struct db *d, struct conversation *c, const struct move *m, int64_t now)
{
	const char *eldest;
	bool there;
	enum err e = another_admin(d, c, &there);

	if (e != OK || there)
		return e;
	e = members_eldest(d, m->arena, c->n, &eldest);
	if (e == OK)
		e = members_role(d, c, eldest, "admin");
	return e == OK ? tell_of(d, c, m, "conversation:updated", eldest, "admin", now) : e;
}

static enum err remove_one(struct db *d, void *move)
{
	struct move *m = move;
	struct conversation c;
	struct member who;
	bool self = m->by->kind != TICKET_SERVICE && strcmp(m->by->participant, m->participant) == 0;
	enum err e = begin(d, m, &c);
	int64_t now = clock_now_ms(), people = 0;

	if (e == OK && !m->departing)
		e = conversation_may(&c, m->by, self ? RIGHT_LEAVE : RIGHT_REMOVE);
	if (e == OK)
		e = conversations_member(d, m->arena, c.n, m->participant, &who);
	if (e == OK)
		e = members_count(d, c.n, NULL, &people);
	m->changed = e == OK;
	if (e == OK && people == 1)
		return conversations_erase(d, &c, now); /* he is still in it, and so is told */
	if (e == OK)
		e = members_remove(d, &c, m->participant, now);
	if (e == OK)
		e = tell_of(d, &c, m, "user:left", m->participant, who.role, now);
	if (e == OK && strcmp(c.type, "group") == 0 && strcmp(who.role, "admin") == 0)
		e = promote(d, &c, m, now);
	return e;
}

enum err membership_remove(struct db *d, const struct ticket *by, const char *id, const char *participant, const char **why)
{
	struct arena arena;
	struct move m = {.arena = &arena, .by = by, .id = id, .participant = participant};
	enum err e;

	arena_init(&arena);
	e = run(d, &m, remove_one, why);
	arena_done(&arena);
	if (e == OK)
		conversation_sweep(d);
	return e;
}

enum err membership_depart(struct db *d, const char *participant)
{
	struct ticket by = {.kind = TICKET_USER, .side = "user"};
	char last[ID_MAX + 1] = "";
	const char *id = NULL, *why;
	struct arena arena;
	enum err e;

	snprintf(by.participant, sizeof by.participant, "%s", participant);
	do {
		arena_init(&arena);
		e = members_conversation_of(d, &arena, participant, &id);
		if (e == OK) {
			struct move m = {.arena = &arena, .by = &by, .id = id, .participant = participant, .departing = true};
			snprintf(by.conversation, sizeof by.conversation, "%s", id);
			e = run(d, &m, remove_one, &why);
			if (e == ERR_NOT_FOUND && strcmp(last, id) != 0) /* erased, or left, a moment ago */
				e = OK;
			snprintf(last, sizeof last, "%s", id);
		}
		arena_done(&arena);
	} while (e == OK);
	conversation_sweep(d);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* ---- roles and silence ---- */

static enum err change_role(struct db *d, struct move *m, struct conversation *c, int64_t now)
{
	bool there = true;
	enum err e = members_role(d, c, m->participant, m->role);

	if (e == OK && strcmp(c->type, "group") == 0)
		e = another_admin(d, c, &there);
	if (e == OK && !there)
		return refuse(m, ERR_CONFLICT, "A group has an admin: make somebody else admin first.");
	m->changed = true;
	return e == OK ? tell_of(d, c, m, "conversation:updated", m->participant, m->role, now) : e;
}

static enum err change_silence(struct db *d, struct move *m, struct conversation *c, int64_t now)
{
	char more[ID_MAX + 100];
	enum err e = members_silence(d, c, m->participant, m->silenced_until);

	m->changed = true;
	snprintf(more, sizeof more, "\"participant\":\"%s\",\"silencedUntil\":%lld", m->participant, (long long)m->silenced_until);
	return e == OK ? conversation_tell(d, c, m->by, "conversation:updated", more, now) : e;
}

static enum err change(struct db *d, void *move)
{
	struct move *m = move;
	struct conversation c;
	bool role, silence;
	enum err e = begin(d, m, &c);
	int64_t now = clock_now_ms();

	if (e == OK && m->role)
		e = conversation_may(&c, m->by, RIGHT_ROLES);
	if (e == OK && m->silenced_until >= 0)
		e = conversation_may(&c, m->by, RIGHT_SILENCE);
	if (e == OK)
		e = conversations_member(d, m->arena, c.n, m->participant, &m->out);
	if (e != OK)
		return e;
	role = m->role && strcmp(m->role, m->out.role) != 0;
	silence = m->silenced_until >= 0 && m->silenced_until != m->out.silenced_until;
	if (role || silence)
		e = conversation_turn(d, &c, m->by, now, &m->retry_after_s);
	if (e == OK && role)
		e = change_role(d, m, &c, now);
	if (e == OK && silence)
		e = change_silence(d, m, &c, now);
	return e == OK ? conversations_member(d, m->arena, c.n, m->participant, &m->out) : e;
}

enum err membership_change(struct db *d, struct arena *a, const struct ticket *by, const char *id, const char *participant,
	const char *role, int64_t silenced_until, struct member *out, const char **why, int *retry_after_s)
{
	struct move m = {.arena = a, .by = by, .id = id, .participant = participant, .role = role, .silenced_until = silenced_until};
	enum err e = run(d, &m, change, why);

	*out = m.out;
	*retry_after_s = e == ERR_RATE_LIMITED ? m.retry_after_s : 0;
	return e;
}

/* Nobody else sees it, so there is nothing to lock; what is told goes to their own other devices. */
enum err membership_mute(struct db *d, const struct ticket *by, bool muted)
{
	struct conversation c;
	struct arena arena;
	enum err e;

	arena_init(&arena);
	e = conversations_get(d, &arena, by->conversation, by->participant, &c);
	if (e == OK)
		e = conversation_may(&c, by, RIGHT_MUTE);
	if (e == OK)
		e = members_mute(d, c.n, by->participant, muted);
	if (e == OK)
		lasting_tell_mute(by, muted);
	arena_done(&arena);
	return e;
}
