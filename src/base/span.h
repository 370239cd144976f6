/* A piece of text that lies in somebody else's memory, and what is taken out of it: lines, numbers, members of JSON that we wrote ourselves. Pure functions; any thread. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *at; /* not closed by NUL */
	size_t len;
};

/* The next line of *rest, less its '\n', or the next word, less its space; *rest moves behind it. */
struct span span_line(struct span *rest);
struct span span_word(struct span *rest);

/* The number that s begins with; 0 when it begins with no digit. At most 15 digits count. */
int64_t span_number(struct span s);

bool span_is(struct span s, const char *text);

/* Copies s to out, closed by NUL; false, and nothing, when out (room bytes) is too small. */
bool span_copy(char *out, size_t room, struct span s);

/* What follows start (such as "\"role\":\"") up to the next quote; empty when there is none. For text members that hold nothing to escape. */
struct span span_member(struct span json, const char *start);

#endif
