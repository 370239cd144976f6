/* Arguments of a Redis call: see redis.h. An overflow is a mistake of ours, never a client's, so it aborts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis_call.h"

void args_init(struct args *a)
{
	a->count = 0;
	a->keys = 0;
	a->used = 0;
}

void args_add(struct args *a, const char *bytes, size_t len)
{
	if (a->count == ARGS_MAX)
		abort();
	a->v[a->count] = bytes != NULL ? bytes : "";
	a->n[a->count++] = len;
}

void args_str(struct args *a, const char *str)
{
	args_add(a, str != NULL ? str : "", str != NULL ? strlen(str) : 0);
}

void args_printf(struct args *a, const char *format, ...)
{
	va_list ap;
	size_t room = sizeof a->scratch - a->used;

	va_start(ap, format);
	int n = vsnprintf(a->scratch + a->used, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		abort();
	args_add(a, a->scratch + a->used, (size_t)n);
	a->used += (size_t)n + 1;
}

/* By hand, as all of this is done some twenty times a send: printf was 8 % of an api process. */
static size_t decimal(char out[24], int64_t n)
{
	char digits[24], *at = digits + sizeof digits;
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--at = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		*--at = '-';
	memcpy(out, at, (size_t)(digits + sizeof digits - at));
	return (size_t)(digits + sizeof digits - at);
}

void args_int(struct args *a, int64_t n)
{
	char text[24] = "";

	args_join(a, text, decimal(text, n), "", 0);
}

void args_join(struct args *a, const char *first, size_t first_len, const char *second, size_t second_len)
{
	char *at = a->scratch + a->used;

	if (first_len + second_len + 1 > sizeof a->scratch - a->used)
		abort();
	memcpy(at, first, first_len);
	memcpy(at + first_len, second, second_len);
	at[first_len + second_len] = '\0';
	args_add(a, at, first_len + second_len);
	a->used += first_len + second_len + 1;
}

size_t args_word_head(char *out, size_t len)
{
	size_t n = decimal(out + 1, (int64_t)len);

	out[0] = '$';
	out[n + 1] = '\r';
	out[n + 2] = '\n';
	return n + 3;
}

void args_probe(struct args *a)
{
	/* Nothing put into a text that does not exist: Redis checks whether it may write, and then has nothing to do. */
	args_str(a, "SETRANGE");
	args_str(a, "{0}:probe");
	args_int(a, 0);
	args_str(a, "");
}
