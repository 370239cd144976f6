/* See talk.h. A copy is lines "<position> <sentAt> <role> <content as JSON>", from the oldest on; one whose content is missing was left out. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/seal.h"
#include "chat/entry.h"
#include "chat/talk.h"
#include "store/keys.h"

enum { PAGE_ENTRIES = 200, PAGE_BYTES = 256 * 1024, READS_MOST = 3, NAME_MAX_BYTES = ID_MAX + 40 };

void talk_init(struct talk *t)
{
	*t = (struct talk){.state = ""};
	buf_init(&t->plain, TALK_MOST);
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	buf_reset(b);
}

void talk_done(struct talk *t)
{
	wipe(&t->plain);
	buf_done(&t->plain);
	free(t->lines);
	*t = (struct talk){.state = ""};
}

/* ---- lines ---- */

static bool read_content(struct talk_line *l, struct arena *a, const char *json, size_t len)
{
	json_t *text = json_loadb(json, len, JSON_DECODE_ANY, NULL);
	bool good = json_is_string(text);

	if (good) {
		l->content = arena_strndup(a, json_string_value(text), json_string_length(text));
		l->content_len = json_string_length(text);
	}
	json_decref(text);
	return good;
}

static bool number(int64_t *out, struct span s)
{
	*out = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9' || i >= 15)
			return false;
		*out = *out * 10 + (s.at[i] - '0');
	}
	return s.len > 0;
}

static bool read_line(struct talk_line *l, struct arena *a, struct span line)
{
	struct span position = span_word(&line), sent_at = span_word(&line), role = span_word(&line);

	*l = (struct talk_line){.role = arena_strndup(a, role.at, role.len), .content = ""};
	return number(&l->position, position) && number(&l->sent_at_ms, sent_at) && role.len > 0 &&
		(line.len == 0 || read_content(l, a, line.at, line.len));
}

/* t->plain's lines. */
static bool read_lines(struct talk *t, struct arena *a)
{
	const char *at = t->plain.data, *end = at ? at + t->plain.len : NULL;
	size_t room = 0;

	for (t->count = 0; at && at < end; t->count++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		if (!stop)
			return false;
		if (t->count == room) {
			room = room ? 2 * room : 256;
			t->lines = realloc(t->lines, room * sizeof *t->lines);
			if (!t->lines)
				abort();
		}
		if (!read_line(&t->lines[t->count], a, (struct span){at, (size_t)(stop - at)}))
			return false;
		at = stop + 1;
	}
	for (size_t i = t->count; i-- > 1;)
		if (t->lines[i - 1].sent_at_ms == 0) /* left out: minutes count from the first line */
			t->lines[i - 1].sent_at_ms = t->lines[i].sent_at_ms;
	return true;
}

/* ---- from the log ---- */

struct page {
	const struct told *told;
	struct page *newer;
};

static enum err read_page(struct redis *r, struct arena *a, const char *conversation, int64_t before, const struct told **out)
{
	struct args args;

	args_init(&args);
	keys_conversation(&args, conversation);
	args_int(&args, before);
	args_int(&args, PAGE_ENTRIES);
	args_int(&args, PAGE_BYTES);
	return ask_script(r, a, "summary_read", &args, out);
}

/* Bytes of the texts on a page, *messages how many. */
static size_t weigh(const struct told *t, size_t *messages)
{
	size_t bytes = 0;

	for (size_t i = 4; i + 1 < told_count(t); i += 2, ++*messages) {
		struct entry e;
		if (entry_parse(&e, told_int(told_at(t, i)), told_text(told_at(t, i + 1)), told_len(told_at(t, i + 1))))
			bytes += e.message.content.len;
	}
	return bytes;
}

static void write_page(struct buf *out, const struct told *t)
{
	for (size_t i = told_count(t); i >= 6; i -= 2) { /* a page is from the newest to the oldest */
		struct entry e;
		const struct message *m = &e.message;
		if (!entry_parse(&e, told_int(told_at(t, i - 2)), told_text(told_at(t, i - 1)), told_len(told_at(t, i - 1))))
			continue;
		buf_printf(out, "%lld %.*s %.*s ", (long long)m->id, (int)m->sent_at.len, m->sent_at.at, (int)m->role.len, m->role.at);
		buf_add(out, m->content.at, m->content.len);
		buf_char(out, '\n');
	}
}

/* All pages, one instant after the other. ERR_CONFLICT: something was amended between them. */
static enum err read_once(struct talk *t, struct redis *r, struct arena *a, const char *conversation)
{
	struct page *oldest = NULL;
	int64_t before = 0, total = 0;
	size_t bytes = 0, messages = 0;
	enum err e;

	do {
		struct page *p = arena_alloc(a, sizeof *p);
		e = read_page(r, a, conversation, before, &p->told);
		if (e != OK)
			return e;
		if (!oldest) {
			t->state = told_text(told_at(p->told, 1));
			total = told_int(told_at(p->told, 2));
		} else if (strcmp(strchr(t->state, ' '), strchr(told_text(told_at(p->told, 1)), ' ')) != 0) {
			return ERR_CONFLICT;
		}
		bytes += weigh(p->told, &messages);
		before = told_int(told_at(p->told, 3));
		p->newer = oldest;
		oldest = p;
	} while (before > 0 && bytes <= TALK_MATERIAL_MOST);
	wipe(&t->plain);
	/* What the prompt cannot hold anyway: lines without text, so that they are counted as left out. */
	for (int64_t i = 1; before > 0 && i <= total - (int64_t)messages && i < before; i++)
		buf_printf(&t->plain, "%lld 0 student \n", (long long)i);
	for (const struct page *p = oldest; p; p = p->newer)
		write_page(&t->plain, p->told);
	return buf_ok(&t->plain) && read_lines(t, a) ? OK : ERR_INTERNAL;
}

enum err talk_read(struct talk *t, struct redis *r, struct arena *a, const char *conversation)
{
	enum err e = ERR_CONFLICT;

	for (int i = 0; e == ERR_CONFLICT && i < READS_MOST; i++)
		e = read_once(t, r, a, conversation);
	return e;
}

/* ---- sealed ---- */

static void seal_name(char out[NAME_MAX_BYTES], const char *conversation, int64_t at)
{
	snprintf(out, NAME_MAX_BYTES, "copy:%s:%lld", conversation, (long long)at);
}

enum err talk_keep(const struct talk *t, struct redis *r, struct arena *a, const char *conversation, int64_t at, const char *claim)
{
	char name[NAME_MAX_BYTES];
	struct buf sealed;
	struct args args;
	enum err e;

	buf_init(&sealed, TALK_MOST + 4096);
	seal_name(name, conversation, at);
	e = seal_make(&sealed, t->plain.data ? t->plain.data : "", t->plain.len, name);
	if (e == OK) {
		args_init(&args);
		keys_conversation(&args, conversation);
		args_str(&args, claim);
		args_str(&args, t->state);
		args_add(&args, sealed.data, sealed.len);
		args_int(&args, at);
		e = ask_script(r, a, "summary_copy", &args, NULL);
	}
	buf_done(&sealed);
	return e;
}

enum err talk_open(struct talk *t, struct arena *a, const void *sealed, size_t len, const char *conversation, int64_t at)
{
	char name[NAME_MAX_BYTES];
	enum err e;

	seal_name(name, conversation, at);
	e = seal_open(&t->plain, sealed, len, name);
	return e == OK && !read_lines(t, a) ? ERR_BAD_REQUEST : e;
}
