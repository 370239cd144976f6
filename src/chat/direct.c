/* See direct.h. Called by api/chats. */
#include <stdio.h>
#include <string.h>

#include "chat/direct.h"

/* As the column `pair` has it. */
static void pair_of(char out[2 * ID_MAX + 2], const char *one, const char *other)
{
	bool first = strcmp(one, other) < 0;

	snprintf(out, 2 * ID_MAX + 2, "%s %s", first ? one : other, first ? other : one);
}

enum err direct_find(struct db *d, struct arena *a, const struct ticket *by, const char *other, const char **id)
{
	char pair[2 * ID_MAX + 2];

	pair_of(pair, by->participant, other);
	return conversations_of_pair(d, a, pair, id);
}

enum err direct_open(struct db *d, struct arena *a, const struct ticket *by, const char *other, const char **id, struct quota_wait *wait)
{
	const struct conversation_person people[] = {{by->participant, "member"}, {other, "member"}};
	struct conversation_make make = {.type = "direct", .channel = "chat", .title = "", .retention_s = -1, .people = people, .count = 2};
	bool made;
	enum err e;

	*wait = (struct quota_wait){0};
	if (strcmp(by->participant, other) == 0)
		return ERR_BAD_REQUEST;
	e = direct_find(d, a, by, other, id); /* most of the time: no transaction is needed */
	return e == ERR_NOT_FOUND ? conversation_create(d, a, by, &make, NULL, id, &made, wait) : e;
}
