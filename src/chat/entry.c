#include "chat/entry.h"

#include <string.h>

void metadata_split(struct span kept, struct span *files, struct span *metadata)
{
	size_t digits = 0, n = (size_t)span_number(kept);

	while (digits < kept.len && kept.at[digits] >= '0' && kept.at[digits] <= '9')
		digits++;
	if (digits > 0 && n <= kept.len - digits) {
		*files = (struct span){kept.at + digits, n};
		*metadata = (struct span){kept.at + digits + n, kept.len - digits - n};
	} else {
		*files = (struct span){0};
		*metadata = kept;
	}
}

void metadata_join(struct buf *b, struct span files, const char *metadata)
{
	if (files.len > 0) {
		buf_int(b, (int64_t)files.len);
		buf_add(b, files.at, files.len);
	}
	if (metadata != NULL)
		buf_str(b, metadata);
}

static bool parse_message(struct message *m, int64_t id, struct span rest)
{
	struct span kind = span_line(&rest);

	m->id = id;
	m->check = span_line(&rest);
	m->sent_at = span_line(&rest);
	m->sender = span_line(&rest);
	m->role = span_line(&rest);
	m->refs = span_line(&rest);
	m->content = span_line(&rest);
	metadata_split(span_line(&rest), &m->files, &m->metadata);
	m->edited_at = span_line(&rest);
	m->deleted_at = span_line(&rest);
	return kind.len == 1 && kind.at[0] == 'm' && m->check.len == ID_CHECK_LEN && m->refs.len > 0;
}

bool entry_parse(struct entry *out, int64_t position, const char *bytes, size_t len)
{
	struct span all = {bytes, len}, rest = all;
	struct span kind = span_line(&rest), check = span_line(&rest);

	if (kind.len != 1 || check.len != ID_CHECK_LEN)
		return false;
	memset(out, 0, sizeof *out);
	out->cursor.position = position;
	memcpy(out->cursor.check, check.at, ID_CHECK_LEN);
	switch (kind.at[0]) {
	case 'm': out->kind = ENTRY_MESSAGE; return parse_message(&out->message, position, all);
	case 'e':
	case 'd':
		out->kind = kind.at[0] == 'e' ? ENTRY_EDITED : ENTRY_DELETED;
		span_line(&rest);
		struct span target = span_line(&rest);
		return parse_message(&out->message, span_number(target), rest);
	case 's':
		out->kind = ENTRY_EVENT;
		span_line(&rest);
		out->event = span_line(&rest);
		out->data = rest;
		return out->event.len > 0 && out->data.len > 0;
	default: return false;
	}
}

static void add(struct buf *b, struct span s)
{
	buf_add(b, s.at, s.len);
}

void message_json(struct buf *b, const char *conversation, const struct message *m, int64_t expires_at)
{
	BUF_LIT(b, "{\"id\":");
	buf_int(b, m->id);
	BUF_LIT(b, ",\"cursor\":\"");
	buf_int(b, m->id);
	buf_char(b, '-');
	add(b, m->check);
	BUF_LIT(b, "\",\"conversationId\":\"");
	buf_str(b, conversation);
	BUF_LIT(b, "\",\"sender\":\"");
	add(b, m->sender);
	BUF_LIT(b, "\",\"role\":\"");
	add(b, m->role);
	BUF_LIT(b, "\",");
	add(b, m->refs);
	if (m->deleted_at.len == 0) {
		BUF_LIT(b, ",\"content\":");
		add(b, m->content);
	}
	if (m->files.len > 0) {
		BUF_LIT(b, ",\"files\":");
		add(b, m->files);
	}
	BUF_LIT(b, ",\"sentAt\":");
	add(b, m->sent_at);
	if (m->metadata.len > 0) {
		BUF_LIT(b, ",\"metadata\":");
		add(b, m->metadata);
	}
	if (m->edited_at.len > 0) {
		BUF_LIT(b, ",\"editedAt\":");
		add(b, m->edited_at);
	}
	if (m->deleted_at.len > 0) {
		BUF_LIT(b, ",\"deletedAt\":");
		add(b, m->deleted_at);
	}
	if (expires_at > 0) {
		BUF_LIT(b, ",\"expiresAt\":");
		buf_int(b, expires_at);
	}
	buf_char(b, '}');
}

const char *entry_event(const struct entry *e, char name[32])
{
	if (e->kind == ENTRY_EVENT) {
		size_t n = e->event.len < 31 ? e->event.len : 31;
		memcpy(name, e->event.at, n);
		name[n] = '\0';
		return name;
	}
	if (e->message.deleted_at.len > 0)
		return "message:deleted";
	return e->kind == ENTRY_MESSAGE ? "message:new" : "message:edited";
}

void entry_data(struct buf *b, const char *conversation, const struct entry *e, int64_t expires_at)
{
	if (e->kind == ENTRY_EVENT)
		add(b, e->data);
	else
		message_json(b, conversation, &e->message, expires_at);
}
