/* Arguments of a Redis call: see redis.h. An overflow is a mistake of ours, never a client's, so it aborts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/redis.h"

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
	a->v[a->count] = bytes;
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

void args_int(struct args *a, int64_t n)
{
	args_printf(a, "%lld", (long long)n);
}
