/* The JSON body of a request, read strictly, and its members by type. The first mistake sticks: take all members, look at error once.
 * A member that is null counts as absent. Unknown members are ignored. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "http/request.h"

struct body {
	json_t *root; /* an object */
	struct arena *arena;
	enum err error;      /* OK, BAD_JSON, UNSUPPORTED_TYPE, BAD_REQUEST, BAD_CONTENT */
	const char *details; /* for the client, in the request's arena; NULL = none */
};

/* "application/json", with or without parameters; NULL is not. */
bool body_type_is_json(const char *content_type);

/* Parses r's body: application/json without content-encoding, one object, depth at most 16, no member twice. required false: an empty body is {}.
 * Always to be closed; what the getters return lives until then. */
void body_open(struct body *b, const struct request *r, bool required);
void body_close(struct body *b);

/* Ids as design §12 has them. NULL when absent (a mistake if required) or wrong. */
const char *body_id(struct body *b, const char *name, bool required);

/* Text of 1 to max_bytes bytes without NUL. */
const char *body_text(struct body *b, const char *name, size_t max_bytes, bool required);

/* The same, of what stands in lists and heads: one line, and not blank. */
const char *body_line(struct body *b, const char *name, size_t max_bytes, bool required);

/* What people write: 1 to max_bytes bytes, no NUL, not blank; otherwise BAD_CONTENT. */
const char *body_content(struct body *b, const char *name, size_t max_bytes, size_t *len);

/* One of the words (closed by NULL); fallback when absent. */
const char *body_word(struct body *b, const char *name, const char *const words[], const char *fallback);

bool body_flag(struct body *b, const char *name, bool required); /* false when absent */
int64_t body_integer(struct body *b, const char *name, int64_t least, int64_t most, int64_t fallback);

/* An object as compact JSON of at most max_bytes, in the arena; NULL when absent. */
const char *body_object(struct body *b, const char *name, size_t max_bytes);

/* Notes a mistake of the caller's finding, unless there is one already. format's arguments: names of members. */
void body_wrong(struct body *b, enum err e, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The member, NULL when absent or null. Borrowed. */
const json_t *body_member(const struct body *b, const char *name);

#endif
