/* What both dialects share: how an address is chosen, values are made, and braces in SQL are read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "store/db_driver.h"

#define SQL_MAX (1 << 20)

char *db_address(void)
{
	const char *given = config_text("ROOM_DB");
	struct buf b;

	buf_init(&b, 8192);
	if (*given)
		buf_str(&b, given);
	else
		buf_printf(&b, "sqlite:%s/room.db", config_text("ROOM_STATE"));
	return buf_take(&b, NULL);
}

/* The words in braces at p, e.g. "{postgres: FOR UPDATE}": 0 when it is none, else its length; *inner and *len: what stands within. */
static size_t braces(const char *p, const char *dialect, const char **inner, size_t *len)
{
	size_t n = strlen(dialect);
	const char *end;

	if (p[0] != '{' || strncmp(p + 1, dialect, n) != 0 || p[n + 1] != ':')
		return 0;
	*inner = p + n + 2;
	end = strchr(*inner, '}');
	if (!end)
		return 0;
	*len = (size_t)(end - *inner);
	return (size_t)(end + 1 - p);
}

char *db_sql(const char *sql, const char *dialect)
{
	static const char *const dialects[] = {"sqlite", "postgres"};
	struct buf out;
	char *text;

	buf_init(&out, SQL_MAX);
	while (*sql) {
		const char *inner;
		size_t len, taken = 0;
		for (int i = 0; i < 2 && taken == 0; i++) {
			taken = braces(sql, dialects[i], &inner, &len);
			if (taken > 0 && strcmp(dialects[i], dialect) == 0)
				buf_add(&out, inner, len);
		}
		if (taken == 0)
			buf_char(&out, *sql);
		sql += taken > 0 ? taken : 1;
	}
	text = buf_take(&out, NULL);
	if (!text) {
		fputs("SQL too long\n", stderr); /* literals and embedded files only: a mistake in the program */
		abort();
	}
	return text;
}

struct db_value db_int(int64_t n)
{
	return (struct db_value){.kind = DB_INT, .number = n};
}

struct db_value db_time(int64_t ms)
{
	return (struct db_value){.kind = DB_INT, .number = ms, .null = ms == 0};
}

struct db_value db_textn(const char *s, size_t len)
{
	return (struct db_value){.kind = DB_TEXT, .bytes = s, .len = len, .null = s == NULL};
}

struct db_value db_text(const char *s)
{
	return db_textn(s, s ? strlen(s) : 0);
}

struct db_value db_blob(const void *bytes, size_t len)
{
	return (struct db_value){.kind = DB_BLOB, .bytes = bytes, .len = len, .null = bytes == NULL};
}
