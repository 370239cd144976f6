#include "store/redis_address.h"

#include <stdlib.h>
#include <string.h>

static bool copy(char *out, size_t room, const char *from, size_t len)
{
	if (len >= room)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool parse_login(struct redis_address *out, const char *at, size_t len)
{
	const char *colon = memchr(at, ':', len);

	if (colon == NULL)
		return copy(out->password, sizeof out->password, at, len);
	return copy(out->user, sizeof out->user, at, (size_t)(colon - at)) &&
		copy(out->password, sizeof out->password, colon + 1, len - (size_t)(colon - at) - 1);
}

static bool parse_place(struct redis_address *out, const char *at, size_t len)
{
	const char *colon = len > 0 && at[0] == '[' ? strstr(at, "]:") : memchr(at, ':', len);
	char port[8] = "6379";

	if (colon != NULL && at[0] == '[')
		colon++;
	if (colon != NULL) {
		if (!copy(port, sizeof port, colon + 1, len - (size_t)(colon - at) - 1))
			return false;
		len = (size_t)(colon - at);
	}
	if (len > 1 && at[0] == '[' && at[len - 1] == ']') {
		at++;
		len -= 2;
	}
	out->port = atoi(port);
	return len > 0 && out->port > 0 && out->port < 65536 && copy(out->host, sizeof out->host, at, len);
}

bool redis_address_parse(struct redis_address *out, const char *text)
{
	memset(out, 0, sizeof *out);
	if (strncmp(text, "unix:", 5) == 0)
		return text[5] != '\0' && copy(out->path, sizeof out->path, text + 5, strlen(text + 5));
	if (strncmp(text, "redis://", 8) != 0)
		return false;
	text += 8;
	const char *login = strrchr(text, '@');
	if (login != NULL) {
		if (!parse_login(out, text, (size_t)(login - text)))
			return false;
		text = login + 1;
	}
	size_t len = strcspn(text, "/");
	if (text[len] == '/' && !copy(out->database, sizeof out->database, text + len + 1, strlen(text + len + 1)))
		return false;
	return parse_place(out, text, len);
}
