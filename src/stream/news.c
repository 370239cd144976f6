/* What the inbox brings (the lines are described in store/lua/_conversation.lua). See hub.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "stream/own.h"

enum { KEPT_BYTES = 64 * 1024 };

struct news {
	struct place *place;
	char kind;
	struct span rest;
};

/* False: nothing that concerns a place of ours. */
static bool parse(struct hub *h, struct news *n, struct span item)
{
	char conversation[PLACE_MAX + 1];

	n->rest = item;
	struct span id = span_line(&n->rest), kind = span_line(&n->rest);
	if (kind.len != 1)
		return false;
	n->kind = kind.at[0];
	n->place = NULL;
	if (n->kind == 'o' || n->kind == 'l' || n->kind == 'y')
		return true;
	if (n->kind == 'v') {
		n->rest = id;
		return true;
	}
	if (!span_copy(conversation, sizeof conversation, id))
		return false;
	n->place = place_find(h, conversation);
	return n->place != NULL && !n->place->gone;
}

void place_entry(struct place *p, const struct entry *e)
{
	char who[ID_MAX + 1];

	if (e->cursor.position > p->end)
		p->end = e->cursor.position;
	if (e->kind == ENTRY_EVENT && e->event.len == 13 && memcmp(e->event.at, "session:ended", 13) == 0)
		p->ended = true;
	/* Who sends has stopped typing. */
	if (e->kind == ENTRY_MESSAGE && p->typists != NULL && span_copy(who, sizeof who, e->message.sender))
		place_typing(p, who, "", false);
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		reader_entry(r, e);
	}
	if (place_lasts(p->conversation))
		own_told(p, e);
}

static void entry_news(struct place *p, struct span rest)
{
	struct entry e;
	int64_t position = span_number(span_line(&rest)), expires_at = span_number(span_line(&rest));

	if (is_feed(p)) {
		feed_news(p, position, expires_at == 1, rest);
		return;
	}
	if (!entry_parse(&e, position, rest.at, rest.len)) {
		log_line(LOG_ERROR, "news.strange", NULL);
		return;
	}
	place_deadline(p, expires_at);
	place_entry(p, &e);
}

static void typing_news(struct place *p, const char *author, struct span data)
{
	char role[10];

	if (span_copy(role, sizeof role, span_member(data, "\"role\":\"")))
		place_typing(p, author, role, memmem(data.at, data.len, "\"isTyping\":true", 15) != NULL);
}

static void passing_news(struct place *p, struct span rest)
{
	char event[32], author[ID_MAX + 1];

	if (!span_copy(event, sizeof event, span_line(&rest)) || !span_copy(author, sizeof author, span_line(&rest)))
		return;
	if (strcmp(event, "user:typing") == 0) {
		typing_news(p, author, rest);
		return;
	}
	if (strcmp(event, "presence") == 0)
		place_settle_at(p, clock_now_ms() + 60000);
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (strcmp(r->who, author) != 0)
			reader_passing(r, event, rest.at, rest.len);
	}
}

static void kick_news(struct place *p, struct span who)
{
	char participant[ID_MAX + 1];

	if (!span_copy(participant, sizeof participant, who))
		return;
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		if (strcmp(r->who, participant) == 0)
			reader_kick(r);
	}
}

static void erasure(struct place *p, struct span rest)
{
	struct span state = span_line(&rest), at = span_line(&rest);

	if (place_lasts(p->conversation))
		place_gone(p, "conversation:erased", at.at, at.len);
	else
		place_gone(p, state.len == 6 ? "session:erased" : "session:expired", at.at, at.len);
}

static void obey(struct news *n)
{
	if (n->kind == 'x') {
		erasure(n->place, n->rest);
	} else if (n->kind == 'n' && is_feed(n->place)) {
		span_line(&n->rest); /* position */
		span_line(&n->rest); /* deadline */
		feed_erasure(n->place, n->rest);
	}
}

static void overflowed(struct place *p)
{
	if (!is_feed(p)) {
		place_again(p);
		return;
	}
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		reader_read_on(r);
	}
	if (is_feed(p))
		feed_large_soon(p);
}

static void desk_news(struct hub *h, struct span rest)
{
	char conversation[ID_MAX + 1], counselor[ID_MAX + 1];

	if (!span_copy(conversation, sizeof conversation, span_line(&rest)))
		return;
	span_line(&rest);
	if (span_copy(counselor, sizeof counselor, span_line(&rest)))
		desks_news(h, counselor, conversation);
}

static void summary_news(struct hub *h, struct span rest)
{
	char conversation[ID_MAX + 1], counselor[ID_MAX + 1], state[16];

	if (!span_copy(conversation, sizeof conversation, span_line(&rest)))
		return;
	span_line(&rest);
	if (span_copy(counselor, sizeof counselor, span_line(&rest)) && span_copy(state, sizeof state, span_line(&rest)))
		desks_summary(h, counselor, conversation, state, span_number(span_line(&rest)));
}

static void tell(struct hub *h, struct span item)
{
	struct news n;

	if (!parse(h, &n, item) || n.kind == 'x')
		return;
	if (n.kind == 'o') {
		place_each(h, overflowed);
		desks_again(h);
		return;
	}
	if (n.kind == 'v') {
		look_revoke(h, n.rest);
		return;
	}
	if (n.kind == 'l') {
		desk_news(h, item);
		return;
	}
	if (n.kind == 'y') {
		summary_news(h, item);
		return;
	}
	n.place->calls++;
	if (n.kind == 'n')
		entry_news(n.place, n.rest);
	else if (n.kind == 'p')
		passing_news(n.place, n.rest);
	else if (n.kind == 'k')
		kick_news(n.place, n.rest);
	n.place->calls--;
	place_release(n.place);
}

void news_hear(struct hub *h, const struct reply *items)
{
	for (size_t i = 0; i < reply_count(items); i++) {
		size_t len;
		const char *text = reply_text(reply_at(items, i), &len);
		uint32_t n = (uint32_t)len;

		buf_add(&h->heard, &n, sizeof n);
		buf_add(&h->heard, text, len);
	}
}

static bool next(struct span *all, struct span *item)
{
	uint32_t n;

	if (all->len == 0)
		return false;
	memcpy(&n, all->at, sizeof n);
	*item = (struct span){.at = all->at + sizeof n, .len = n};
	all->at += sizeof n + n;
	all->len -= sizeof n + n;
	return true;
}

void news_tell(struct hub *h)
{
	struct span all = {.at = h->heard.data, .len = h->heard.len}, rest, item;
	struct news n;

	if (all.len > 0)
		FAILPOINT("news.taken");
	if (!buf_ok(&h->heard)) {
		h->hole = true;
		all.len = 0;
	}
	/* Obey erasures first: nothing that came before one in this batch is told any more (design §5). */
	for (rest = all; next(&rest, &item);)
		if (parse(h, &n, item))
			obey(&n);
	for (rest = all; next(&rest, &item);)
		tell(h, item);
	if (h->heard.cap > KEPT_BYTES) {
		buf_done(&h->heard);
		buf_init(&h->heard, h->heard.max);
	}
	buf_reset(&h->heard);
}
