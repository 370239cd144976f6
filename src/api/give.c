/* See give.h. */
#include "api/give.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/guard.h"
#include "base/crew.h"
#include "base/json.h"
#include "base/log.h"
#include "base/media.h"
#include "outside/depot.h"

#define JSON_NEST 2

enum {
	AT_ONCE = 24, /* from the store, to one participant, in this process: more than browsers ask for */
	RETRY_S = 2,
};

/* RFC 6266, RFC 8187: plain ASCII for those who know no better, then the name itself. */
static void disposition(struct buf *b, bool shown, const char *name)
{
	buf_str(b, shown ? "inline; filename=\"" : "attachment; filename=\"");
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		if (*c < 0x80 || (*c & 0xc0) == 0xc0)
			buf_char(b, *c >= ' ' && *c < 0x7f && !strchr("\"\\%", *c) ? (char)*c : '_');
	buf_str(b, "\"; filename*=UTF-8''");
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		bool letter = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z');
		buf_printf(b, letter || (*c < 0x80 && strchr("-._~!$&+", *c)) ? "%c" : "%%%02X", *c);
	}
}

static const struct media_type *type_named(const char *mime)
{
	for (const struct media_type *t = media_types(); t->word; t++)
		if (mime && strcmp(t->mime, mime) == 0)
			return t;
	return NULL;
}

/* Adds the headers that say what it is and what a browser may do with it. Returns its Content-Type; NULL: that is no file's JSON. */
static const char *describe(struct exchange *x, const char *shown, int64_t *size)
{
	json_t *file = NULL;
	const struct media_type *type = NULL;
	struct buf value;

	buf_init(&value, 4096);
	if (shown && json_read(&file, shown, strlen(shown), JSON_NEST) == OK)
		type = type_named(json_string_value(json_object_get(file, "type")));
	if (type && json_string_value(json_object_get(file, "name")))
		disposition(&value, type->shown, json_string_value(json_object_get(file, "name")));
	*size = json_integer_value(json_object_get(file, "size"));
	json_decref(file);
	if (buf_ok(&value) && value.len > 0) {
		exchange_header(x, "Content-Disposition", value.data);
		/* Alone in a window it may show itself, and nothing else. */
		exchange_header(
			x, "Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox");
		exchange_header(x, "Cross-Origin-Resource-Policy", "same-origin");
		exchange_header(x, "Referrer-Policy", "no-referrer");
	} else {
		type = NULL;
	}
	buf_done(&value);
	return !type ? NULL : strcmp(type->mime, "text/plain") == 0 ? "text/plain; charset=utf-8" : type->mime;
}

/* ---- from the store ---- */

struct passing {
	struct exchange *x;
	const char *type, *blob, *key;
	int64_t size;
	bool begun;
};

/* The first piece is verified before anything is promised. */
static bool pass_on(void *ctx, const unsigned char *bytes, size_t len)
{
	struct passing *p = ctx;

	if (!p->begun && !exchange_send_begin(p->x, p->type, p->size))
		return p->begun = true, false;
	p->begun = true;
	return exchange_send(p->x, bytes, len);
}

/* On a thread of its own. What breaks off in the middle is shorter than it said, and the client sees that. */
static void fetch_and_pass(void *passing)
{
	struct passing *p = passing;
	struct exchange *x = p->x;
	enum err e = depot_get(p->blob, p->key, pass_on, p);

	if (!p->begun) {
		answer_error(x, e == OK ? ERR_INTERNAL : e, NULL, 0);
		return;
	}
	if (e == OK && !exchange_send_end(x))
		log_line(LOG_DEBUG, "file.left", NULL); /* the client went away at the very end */
	exchange_free(x);
}

/* Under a name of their own: who uploads does not wait for what he looks at. */
static enum err run(struct passing *p)
{
	char name[ID_MAX + 3];

	snprintf(name, sizeof name, "< %s", ticket_of(p->x)->participant);
	return crew_run_for(name, AT_ONCE, fetch_and_pass, p);
}

static void give_from_store(struct exchange *x, const char *type, const char *blob, const char *key, int64_t size)
{
	struct passing *p = arena_alloc(&x->arena, sizeof *p);
	enum err e;

	*p = (struct passing){.x = x, .type = type, .size = size};
	p->blob = arena_strdup(&x->arena, blob);
	p->key = arena_strdup(&x->arena, key);
	if (x->request.method == METHOD_HEAD)
		exchange_reply(x, 200, type, "", 0);
	else if ((e = run(p)) != OK)
		answer_error(x, e, "Too many files are on their way just now.", e == ERR_RATE_LIMITED ? RETRY_S : 0);
}

void give(struct exchange *x, enum vault in, const char *conversation, const char *blob, const char *key, const char *shown)
{
	char path[VAULT_PATH];
	const char *type;
	int64_t size;

	vault_path(path, in, conversation, blob);
	if (strcmp(key, "-") == 0 && access(path, F_OK) != 0) {
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
	} else if (!(type = describe(x, shown, &size))) {
		answer_error(x, ERR_INTERNAL, NULL, 0);
	} else if (strcmp(key, "-") != 0) {
		give_from_store(x, type, blob, key, size);
	} else {
		exchange_header(x, "X-Sendfile", path);
		exchange_reply(x, 200, type, "", 0);
	}
}
