/* See conversation_json.h. */
#include <string.h>

#include "base/clock.h"
#include "chat/conversation_json.h"
#include "chat/entry.h"

static void member_text(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	buf_json(out, value, strlen(value));
}

void person_json(struct buf *out, const struct member *m, const struct online *online, bool brief)
{
	buf_printf(out, "{\"participant\":\"%s\"", m->participant);
	member_text(out, "name", m->name);
	buf_printf(out, ",\"role\":\"%s\",\"online\":%s", m->role, online && online_has(online, m->participant) ? "true" : "false");
	if (!brief) {
		buf_printf(out, ",\"joinedAt\":%lld", (long long)m->joined_at);
		if (m->silenced_until > clock_now_ms())
			buf_printf(out, ",\"silencedUntil\":%lld", (long long)m->silenced_until);
	}
	buf_char(out, '}');
}

static void write_last(struct buf *out, const struct conversation_view *v)
{
	struct entry entry;

	BUF_LIT(out, ",\"lastMessage\":");
	if (v->last.bytes && entry_parse(&entry, v->last.position, v->last.bytes, v->last.len))
		message_json(out, v->c.id, &entry.message, 0);
	else
		BUF_LIT(out, "null");
}

static void write_mine(struct buf *out, const struct member *me)
{
	buf_printf(out, ",\"unread\":%lld,\"muted\":%s,\"role\":\"%s\"", (long long)me->unread, me->muted ? "true" : "false", me->role);
	if (me->silenced_until > clock_now_ms())
		buf_printf(out, ",\"silencedUntil\":%lld", (long long)me->silenced_until);
}

static void write_facts(struct buf *out, const struct conversation *c)
{
	buf_printf(out, "{\"id\":\"%s\",\"type\":\"%s\",\"channel\":\"%s\",\"status\":\"%s\"", c->id, c->type, c->channel, c->status);
	member_text(out, "title", c->title);
	if (c->metadata) {
		BUF_LIT(out, ",\"metadata\":");
		buf_str(out, c->metadata);
	}
	buf_printf(out, ",\"createdAt\":%lld,\"createdBy\":", (long long)c->made_at);
	if (*c->made_by)
		buf_printf(out, "\"%s\"", c->made_by);
	else
		BUF_LIT(out, "null");
	buf_printf(out, ",\"lastActivityAt\":%lld", (long long)c->last_at);
	if (c->retention_s >= 0)
		buf_printf(out, ",\"retentionS\":%lld", (long long)c->retention_s);
}

void conversation_json(struct buf *out, const struct conversation_view *v, const struct online *online, bool as_service)
{
	write_facts(out, &v->c);
	if (!as_service) {
		write_last(out, v);
		write_mine(out, &v->c.me);
	}
	BUF_LIT(out, ",\"participants\":[");
	for (int i = 0; i < v->shown_count; i++) {
		if (i)
			buf_char(out, ',');
		person_json(out, &v->shown[i], online, true);
	}
	buf_printf(out, "],\"participantCount\":%lld,\"cursor\":\"%lld-%s\"}", (long long)v->people, (long long)(v->end_mark ? v->c.length : 0),
		v->end_mark ? v->end_mark : v->c.birth);
}
