/* See span.h. Used wherever entries and news are taken apart. */
#include "base/span.h"

#include <string.h>

static struct span take(struct span *rest, char stop)
{
	const char *end = memchr(rest->at, stop, rest->len);
	struct span out = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->len};
	size_t used = out.len + (end != NULL ? 1 : 0);

	rest->at += used;
	rest->len -= used;
	return out;
}

struct span span_line(struct span *rest)
{
	return take(rest, '\n');
}

struct span span_word(struct span *rest)
{
	return take(rest, ' ');
}

int64_t span_number(struct span s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.len && i < 15 && s.at[i] >= '0' && s.at[i] <= '9'; i++)
		n = n * 10 + (s.at[i] - '0');
	return n;
}

bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

bool span_copy(char *out, size_t room, struct span s)
{
	if (s.len >= room)
		return false;
	memcpy(out, s.at, s.len);
	out[s.len] = '\0';
	return true;
}

struct span span_member(struct span json, const char *start)
{
	const char *at = memmem(json.at, json.len, start, strlen(start));
	struct span none = {json.at, 0};

	if (at == NULL)
		return none;
	at += strlen(start);
	const char *end = memchr(at, '"', json.len - (size_t)(at - json.at));
	return end != NULL ? (struct span){at, (size_t)(end - at)} : none;
}
