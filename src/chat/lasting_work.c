/* Each kind of work on a lasting conversation, within a transaction that has locked it: see lasting.h. Everything is looked at before anything is written, so
 * that what is refused has changed nothing. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mac.h"
#include "chat/call.h"
#include "chat/entry.h"
#include "chat/lasting.h"
#include "chat/rate.h"
#include "chat/rights.h"
#include "store/files.h"

#define SYSTEM TICKET_SYSTEM /* MainServer's messages: type, sender and role */
#define LINE_MOST (256 * 1024)

static enum err refuse(struct work *w, enum err e, const char *details)
{
	w->out.err = e;
	w->out.details = details;
	return OK;
}

static struct speaker *find_speaker(const struct group *g, const char *who)
{
	struct speaker *s = g->speakers;

	while (s && strcmp(s->me.participant, who) != 0)
		s = s->next;
	return s;
}

/* Who asks. *out NULL: MainServer. ERR_NOT_FOUND: he is not in it. */
static enum err speaker_of(const struct group *g, const struct work *w, struct speaker **out)
{
	*out = w->by.kind == TICKET_SERVICE ? NULL : find_speaker(g, w->by.participant);
	return *out || w->by.kind == TICKET_SERVICE ? OK : ERR_NOT_FOUND;
}

static const char *sender_of(const struct work *w)
{
	return w->by.kind == TICKET_SERVICE ? SYSTEM : w->by.participant;
}

static void add_known(struct group *g, const struct entry_known *is)
{
	struct known *k = arena_alloc(g->arena, sizeof *k);

	*k = (struct known){g->known, *is};
	g->known = k;
}

/* ids and client ids follow the grammar of ids: nothing to escape. */
enum err work_prepare(struct group *g, struct work *const *work, int count)
{
	struct buf ids, pairs;
	struct member *members;
	struct entry_known *known;
	int n = 0, pair_count = 0;
	enum err e = OK;

	buf_init(&ids, LINE_MOST);
	buf_init(&pairs, LINE_MOST);
	for (int i = 0; i < count; i++) {
		buf_printf(&ids, "%c\"%s\"", i ? ',' : '[', work[i]->by.participant);
		if (work[i]->kind == WORK_SEND && work[i]->n.client_id)
			buf_printf(&pairs, "%c[\"%s\",\"%s\"]", pair_count++ ? ',' : '[', sender_of(work[i]), work[i]->n.client_id);
	}
	buf_char(&ids, ']');
	buf_char(&pairs, ']');
	if (!buf_ok(&ids) || !buf_ok(&pairs))
		e = ERR_INTERNAL;
	if (e == OK)
		e = conversations_some(g->d, g->arena, g->c.n, ids.data, count, &members, &n);
	for (int i = 0; e == OK && i < n; i++) {
		struct speaker *s = arena_alloc(g->arena, sizeof *s);
		if (find_speaker(g, members[i].participant)) /* he asks for several things */
			continue;
		*s = (struct speaker){.next = g->speakers, .me = members[i]};
		g->speakers = s;
	}
	n = 0;
	if (e == OK && pair_count > 0)
		e = entries_known(g->d, g->arena, &g->c, pairs.data, pair_count, &known, &n);
	for (int i = 0; e == OK && i < n; i++)
		add_known(g, &known[i]);
	buf_done(&ids);
	buf_done(&pairs);
	return e;
}

/* ERR_NOT_FOUND is an answer, anything else that failed ends the transaction. */
static enum err found_or(struct work *w, enum err e, enum err refusal, const char *details)
{
	return e == ERR_NOT_FOUND ? refuse(w, refusal, details) : e;
}

static void add_line(struct group *g, struct entry_line line)
{
	if (g->line_count == g->line_most) {
		int most = g->line_most ? 2 * g->line_most : 16;
		struct entry_line *more = arena_alloc(g->arena, (size_t)most * sizeof *more);
		if (g->line_count > 0)
			memcpy(more, g->lines, (size_t)g->line_count * sizeof *more);
		g->lines = more;
		g->line_most = most;
	}
	g->lines[g->line_count++] = line;
	g->changed = true;
}

/* The entry just appended, as readers will get it. */
static enum err add_last(struct group *g, struct entry_line *out)
{
	enum err e = entries_one(g->d, g->arena, &g->c, g->c.length, out);

	if (e == OK)
		add_line(g, *out);
	return e;
}

/* One more that he writes: within his rate? The windows are kept when the conversation is settled. */
static bool take_turn(struct group *g, struct speaker *s, int64_t *wait_ms)
{
	char next[RATE_TEXT_MAX];

	*wait_ms = s ? rate_take(s->me.rate, g->now, next) : 0;
	if (!s || *wait_ms > 0)
		return *wait_ms == 0;
	s->me.rate = arena_strdup(g->arena, next);
	s->counted = true;
	return true;
}

/* ---- sending ---- */

static struct entry_line message_line(struct group *g, const struct entry_new *n)
{
	struct entry_line out = {.position = n->position};
	struct buf b;

	buf_init(&b, LINE_MOST);
	buf_printf(&b, "m\n%s\n%lld\n%s\n%s\n", n->mark, (long long)n->at, n->sender, n->role);
	entries_refs(&b, n->type, n->role, n->client_id, n->reply_to, n->thread);
	buf_char(&b, '\n');
	buf_json(&b, n->content, n->content_len);
	buf_char(&b, '\n');
	buf_str(&b, n->metadata ? n->metadata : "");
	BUF_LIT(&b, "\n\n\n0");
	if (buf_ok(&b)) {
		out.bytes = arena_strndup(g->arena, b.data, b.len);
		out.len = b.len;
	}
	buf_done(&b);
	return out;
}

/* What tells another content under the same client id apart, and tells nobody what it was. */
static void take_print(char out[33], const struct conversation *c, const struct entry_new *n, const char *files)
{
	unsigned char mac[MAC_BYTES];
	struct buf b;

	buf_init(&b, LINE_MOST);
	buf_printf(&b, "%s\n%lld\n%s\n%s\n", n->type, (long long)n->reply_to, n->thread ? n->thread : "", n->metadata ? n->metadata : "");
	if (files)
		buf_printf(&b, "%s\n", files);
	buf_add(&b, n->content, n->content_len);
	mac_sha256(mac, c->salt, strlen(c->salt), b.data, b.len);
	buf_done(&b);
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* Puts the list of files (which is freed) in front of n's metadata, unless listing them has failed. */
static enum err add_files(struct group *g, const struct work *w, struct entry_new *n, enum err listed, struct buf *list)
{
	struct buf all;

	buf_init(&all, LINE_MOST);
	metadata_join(&all, (struct span){list->data, list->len}, w->n.metadata);
	if (listed == OK && !buf_ok(&all))
		listed = ERR_INTERNAL;
	if (listed == OK)
		n->metadata = all.len > 0 ? arena_strdup(g->arena, all.data) : NULL;
	buf_done(&all);
	buf_done(list);
	return listed;
}

/* The files that he wants to send: his own, in this conversation, not sent before. */
static enum err list_files(struct group *g, struct work *w, struct entry_new *n)
{
	struct buf list;
	enum err e;

	if (!w->n.files)
		return OK;
	buf_init(&list, LINE_MOST);
	e = files_list(g->d, g->c.id, n->sender, w->n.files, &list);
	return found_or(
		w, add_files(g, w, n, e, &list), ERR_BAD_REQUEST, "files must be ids of files that you uploaded here and have not sent.");
}

/* *known: it was sent before, and w->out says what to answer. */
static enum err look_for_repeat(struct group *g, struct work *w, struct entry_new *n, char print[33], bool *known)
{
	const struct entry_known *first = NULL;
	struct buf list;
	enum err e;

	buf_init(&list, LINE_MOST);
	*known = false;
	if (!n->client_id)
		return OK;
	take_print(print, &g->c, n, w->n.files);
	n->print = print;
	for (const struct known *k = g->known; k && !first; k = k->next)
		if (strcmp(k->is.sender, n->sender) == 0 && strcmp(k->is.client_id, n->client_id) == 0)
			first = &k->is;
	if (!first)
		return OK;
	*known = true;
	if (strcmp(first->print, print) != 0)
		return refuse(w, ERR_CLIENT_ID_REUSED, NULL);
	n->position = first->position;
	n->at = first->at;
	memcpy(n->mark, first->mark, sizeof n->mark);
	w->out.repeated = true;
	e = w->n.files ? add_files(g, w, n, files_of(g->d, g->c.id, n->position, &list), &list) : OK;
	w->out.message = message_line(g, n);
	return e;
}

/* A conversation that was put away comes back with the first message. by NULL: MainServer's. */
static enum err wake(struct group *g, const char *by)
{
	const char *quote = by ? "\"" : "";
	struct entry_line line;
	char data[300];
	enum err e;

	if (strcmp(g->c.status, "archived") != 0)
		return OK;
	g->c.status = "active";
	snprintf(data, sizeof data, "{\"conversationId\":\"%s\",\"by\":%s%s%s,\"at\":%lld,\"status\":\"active\"}", g->c.id, quote,
		by ? by : "null", quote, (long long)g->at);
	e = entries_put_event(g->d, &g->c, "conversation:updated", data, g->at);
	return e == OK ? add_last(g, &line) : e;
}

/* May it be written now? Refusals are in w->out. */
static enum err may_send(struct group *g, struct work *w, struct speaker *s, struct entry_new *n)
{
	enum err e = OK;

	if (strcmp(g->c.status, "completed") == 0)
		return refuse(w, ERR_SESSION_ENDED, "The conversation is completed.");
	if (s && s->me.silenced_until > g->now)
		return refuse(w, ERR_FORBIDDEN, "You are silenced in this conversation.");
	if (n->reply_to > 0)
		e = found_or(w, entries_is_message(g->d, &g->c, n->reply_to), ERR_BAD_REQUEST, "replyTo must be a message of this conversation.");
	if (e == OK && w->out.err == OK && n->thread)
		e = found_or(w, entries_is_thread(g->d, &g->c, n->thread), ERR_BAD_REQUEST, "threadId must be a thread of this conversation.");
	if (e == OK && w->out.err == OK)
		e = list_files(g, w, n);
	if (e == OK && w->out.err == OK && !take_turn(g, s, &w->out.retry_ms))
		return refuse(w, ERR_RATE_LIMITED, NULL);
	return e;
}

static bool right_kind(const struct work *w, const struct group *g, const struct speaker *s)
{
	bool system = strcmp(w->n.type, SYSTEM) == 0;
	const char *role = s ? s->me.role : RIGHTS_SERVICE;

	return rights_may(role, g->c.type, system ? RIGHT_SYSTEM : RIGHT_SEND);
}

static enum err do_send(struct group *g, struct work *w, struct speaker *s)
{
	struct entry_new n = {
		.sender = s ? w->by.participant : SYSTEM,
		.role = s ? s->me.role : SYSTEM,
		.type = w->n.type,
		.client_id = w->n.client_id,
		.reply_to = w->n.reply_to,
		.thread = w->n.thread_id,
		.content = w->n.content,
		.content_len = w->n.content_len,
		.metadata = w->n.metadata,
		.at = g->at,
	};
	char print[33];
	bool known;
	enum err e;

	if (!right_kind(w, g, s))
		return refuse(w, ERR_FORBIDDEN, NULL);
	e = look_for_repeat(g, w, &n, print, &known);
	if (e != OK || known)
		return e;
	e = may_send(g, w, s, &n);
	if (e != OK || w->out.err != OK)
		return e;
	e = wake(g, s ? n.sender : NULL);
	if (e == OK)
		e = entries_put_message(g->d, &g->c, &n);
	if (e == OK && w->n.files)
		e = files_attach(g->d, g->c.id, w->n.files, n.position, g->at);
	if (e != OK)
		return e;
	g->messages++;
	if (s)
		s->own++;
	if (n.client_id) {
		struct entry_known is = {n.sender, n.client_id, arena_strdup(g->arena, n.print), n.position, n.at, ""};
		memcpy(is.mark, n.mark, sizeof is.mark);
		add_known(g, &is);
	}
	w->out.message = message_line(g, &n);
	add_line(g, w->out.message);
	return w->out.message.len > 0 ? OK : ERR_INTERNAL;
}

/* ---- edits and deletions ---- */

/* The marker, and the message as it is now. */
static enum err amended(struct group *g, struct work *w)
{
	return add_last(g, &w->out.message);
}

static enum err do_edit(struct group *g, struct work *w, struct speaker *s)
{
	struct entry_state was;
	struct entry_new n = {0};
	struct buf list;
	enum err e = entries_state(g->d, &g->c, w->id, &was);

	if (e != OK)
		return found_or(w, e, ERR_NOT_FOUND, NULL);
	if (strcmp(was.sender, s ? w->by.participant : SYSTEM) != 0 || (s && !rights_may(s->me.role, g->c.type, RIGHT_EDIT_OWN)))
		return refuse(w, ERR_FORBIDDEN, NULL);
	if (was.deleted_at)
		return refuse(w, ERR_NOT_FOUND, NULL);
	if (strcmp(g->c.status, "completed") == 0)
		return refuse(w, ERR_SESSION_ENDED, "The conversation is completed.");
	if (s && s->me.silenced_until > g->now)
		return refuse(w, ERR_FORBIDDEN, "You are silenced in this conversation.");
	if (was.edits >= EDITS_MOST)
		return refuse(w, ERR_CONFLICT, "A message can be edited 50 times.");
	if (!take_turn(g, s, &w->out.retry_ms))
		return refuse(w, ERR_RATE_LIMITED, NULL);
	n.metadata = w->n.metadata;
	buf_init(&list, LINE_MOST);
	if (n.metadata) /* files stay with their message */
		e = add_files(g, w, &n, files_of(g->d, g->c.id, w->id, &list), &list);
	if (e == OK)
		e = entries_edit(g->d, &g->c, w->id, w->n.content, w->n.content_len, n.metadata, g->at);
	return e == OK ? amended(g, w) : e;
}

static bool may_delete(const struct group *g, const struct work *w, const struct speaker *s, const struct entry_state *was)
{
	if (!s)
		return strcmp(was->sender, SYSTEM) == 0;
	if (strcmp(was->sender, w->by.participant) == 0)
		return rights_may(s->me.role, g->c.type, RIGHT_DELETE_OWN);
	return rights_may(s->me.role, g->c.type, RIGHT_DELETE_OTHERS);
}

/* Stays possible when the conversation is completed, and for who is silenced: it is what makes content go. */
static enum err do_delete(struct group *g, struct work *w, struct speaker *s)
{
	struct entry_state was;
	enum err e = entries_state(g->d, &g->c, w->id, &was);

	if (e != OK)
		return found_or(w, e, ERR_NOT_FOUND, NULL);
	if (!may_delete(g, w, s, &was))
		return refuse(w, ERR_FORBIDDEN, NULL);
	if (was.deleted_at)
		return entries_one(g->d, g->arena, &g->c, w->id, &w->out.message);
	e = entries_delete(g->d, &g->c, w->id, &was, g->at);
	return e == OK ? amended(g, w) : e;
}

enum err work_do(struct group *g, struct work *w)
{
	struct speaker *s;
	enum err e = speaker_of(g, w, &s);

	if (e != OK)
		return found_or(w, e, ERR_NOT_FOUND, NULL);
	w->out.role = s ? s->me.role : SYSTEM;
	switch (w->kind) {
	case WORK_SEND: return do_send(g, w, s);
	case WORK_EDIT: return do_edit(g, w, s);
	case WORK_DELETE: return do_delete(g, w, s);
	case WORK_MARK: break;
	}
	return ERR_INTERNAL;
}

/* ---- marks ---- */

enum err work_mark(struct group *g, struct work *w)
{
	struct member me;
	bool holds = true, moved;
	enum err e;

	if (w->by.kind != TICKET_USER)
		return refuse(w, ERR_FORBIDDEN, NULL);
	/* Read anew: what was settled in this transaction changed his count. */
	e = conversations_member(g->d, g->arena, g->c.n, w->by.participant, &me);
	if (e != OK)
		return found_or(w, e, ERR_NOT_FOUND, NULL);
	w->out.role = me.role;
	if (!rights_may(me.role, g->c.type, RIGHT_RECEIPTS))
		return refuse(w, ERR_FORBIDDEN, NULL);
	if (w->up_to.position > g->c.length)
		return refuse(w, ERR_BAD_REQUEST, "There is no such message or cursor.");
	if (w->up_to.check[0])
		e = entries_holds(g->d, &g->c, w->up_to.position, w->up_to.check, &holds);
	if (e != OK)
		return e;
	if (!holds)
		return refuse(w, ERR_BAD_REQUEST, "There is no such message or cursor.");
	int64_t read_to = me.read_to, delivered_to = me.delivered_to;
	e = entries_mark(g->d, &g->c, &me, w->up_to.position, w->delivered_only, &moved);
	w->out.read_moved = me.read_to > read_to;
	w->out.delivered_moved = me.delivered_to > delivered_to;
	w->out.unread = me.unread;
	return e;
}
