#include "chat/cursor.h"

#include <stdio.h>
#include <string.h>

bool cursor_parse(struct cursor *out, const char *text)
{
	struct cursor c = {0};
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 15 || (text[0] == '0' && digits > 1) || text[digits] != '-')
		return false;
	for (size_t i = 0; i < digits; i++)
		c.position = c.position * 10 + (text[i] - '0');
	text += digits + 1;
	if (strspn(text, "0123456789abcdef") != ID_CHECK_LEN || text[ID_CHECK_LEN] != '\0')
		return false;
	memcpy(c.check, text, ID_CHECK_LEN);
	*out = c;
	return true;
}

bool cursor_or_id(struct cursor *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 15 || text[digits] != '\0')
		return cursor_parse(out, text);
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < digits; i++)
		out->position = out->position * 10 + (text[i] - '0');
	return true;
}

void cursor_print(char out[CURSOR_TEXT_MAX], const struct cursor *c)
{
	snprintf(out, CURSOR_TEXT_MAX, "%lld-%.*s", (long long)c->position, ID_CHECK_LEN, c->check);
}
