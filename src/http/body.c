/* See body.h. Used by the handlers in api/. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/id.h"
#include "base/json.h"
#include "base/utf8.h"
#include "http/body.h"

void body_wrong(struct body *b, enum err e, const char *format, ...)
{
	char text[160];
	va_list args;

	if (b->error != OK)
		return;
	b->error = e;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	b->details = arena_strdup(b->arena, text);
}

bool body_type_is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = sizeof json - 1;

	if (!type || strncasecmp(type, json, len) != 0)
		return false;
	len += strspn(type + len, " \t");
	return type[len] == '\0' || type[len] == ';';
}

void body_open(struct body *b, const struct request *r, bool required)
{
	*b = (struct body){.arena = r->arena};
	if (r->body_len == 0 && !required) {
		b->root = json_object();
		return;
	}
	if (!body_type_is_json(r->content_type)) {
		b->error = ERR_UNSUPPORTED_TYPE;
		return;
	}
	if (r->content_encoding && strcasecmp(r->content_encoding, "identity") != 0) {
		body_wrong(b, ERR_UNSUPPORTED_TYPE, "Bodies must not be compressed.");
		return;
	}
	b->error = json_read(&b->root, r->body, r->body_len, JSON_DEPTH);
	if (b->error == OK && !json_is_object(b->root))
		body_wrong(b, ERR_BAD_JSON, "The body must be an object.");
}

void body_close(struct body *b)
{
	json_decref(b->root);
	b->root = NULL;
}

const json_t *body_member(const struct body *b, const char *name)
{
	const json_t *value = b->error == OK ? json_object_get(b->root, name) : NULL;

	return json_is_null(value) ? NULL : value;
}

static const json_t *wanted(struct body *b, const char *name, bool required)
{
	const json_t *value = body_member(b, name);

	if (!value && required)
		body_wrong(b, ERR_BAD_REQUEST, "%s is needed.", name);
	return value;
}

const char *body_id(struct body *b, const char *name, bool required)
{
	const json_t *value = wanted(b, name, required);

	if (!value)
		return NULL;
	if (json_is_string(value) && id_valid(json_string_value(value), json_string_length(value)))
		return json_string_value(value);
	body_wrong(b, ERR_BAD_REQUEST, "%s must be 1 to 64 letters, digits, '_' or '-'.", name);
	return NULL;
}

const char *body_text(struct body *b, const char *name, size_t max_bytes, bool required)
{
	const json_t *value = wanted(b, name, required);
	size_t len = json_string_length(value);

	if (!value)
		return NULL;
	if (json_is_string(value) && len >= 1 && len <= max_bytes && strlen(json_string_value(value)) == len)
		return json_string_value(value);
	body_wrong(b, ERR_BAD_REQUEST, "%s must be a text of 1 to %zu bytes.", name, max_bytes);
	return NULL;
}

const char *body_line(struct body *b, const char *name, size_t max_bytes, bool required)
{
	const char *text = body_text(b, name, max_bytes, required);
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
			body_wrong(b, ERR_BAD_REQUEST, "%s must be one line of text.", name);
			return NULL;
		}
	if (!text || !utf8_blank(text, len))
		return text;
	body_wrong(b, ERR_BAD_REQUEST, "%s must not be blank.", name);
	return NULL;
}

const char *body_content(struct body *b, const char *name, size_t max_bytes, size_t *len)
{
	const json_t *value = body_member(b, name);
	const char *text = json_string_value(value);

	*len = json_string_length(value);
	if (text && *len >= 1 && *len <= max_bytes && !memchr(text, '\0', *len) && !utf8_blank(text, *len))
		return text;
	if (b->error == OK)
		b->error = ERR_BAD_CONTENT;
	return NULL;
}

const char *body_word(struct body *b, const char *name, const char *const words[], const char *fallback)
{
	const json_t *value = body_member(b, name);

	if (!value)
		return fallback;
	for (; *words; words++)
		if (json_is_string(value) && strcmp(*words, json_string_value(value)) == 0)
			return *words;
	body_wrong(b, ERR_BAD_REQUEST, "%s is none of the known words.", name);
	return fallback;
}

bool body_flag(struct body *b, const char *name, bool required)
{
	const json_t *value = wanted(b, name, required);

	if (value && !json_is_boolean(value))
		body_wrong(b, ERR_BAD_REQUEST, "%s must be true or false.", name);
	return json_is_true(value);
}

int64_t body_integer(struct body *b, const char *name, int64_t least, int64_t most, int64_t fallback)
{
	const json_t *value = body_member(b, name);
	int64_t n = json_integer_value(value);

	if (!value)
		return fallback;
	if (json_is_integer(value) && n >= least && n <= most)
		return n;
	body_wrong(b, ERR_BAD_REQUEST, "%s must be a whole number from %lld to %lld.", name, (long long)least, (long long)most);
	return fallback;
}

const char *body_object(struct body *b, const char *name, size_t max_bytes)
{
	const json_t *value = body_member(b, name);
	const char *kept = NULL;
	char *text;

	if (!value)
		return NULL;
	if (!json_is_object(value)) {
		body_wrong(b, ERR_BAD_REQUEST, "%s must be an object.", name);
		return NULL;
	}
	text = json_dumps(value, JSON_COMPACT);
	if (text && strlen(text) <= max_bytes)
		kept = arena_strdup(b->arena, text);
	else
		body_wrong(b, ERR_BAD_REQUEST, "%s is larger than %zu bytes.", name, max_bytes);
	free(text);
	return kept;
}
