/* The scripts of store/lua, embedded at build, sorted by name (tools/embed-lua writes the table). Read-only. */
#ifndef STORE_LUA_H
#define STORE_LUA_H

#include <stddef.h>

struct lua_source {
	const char *name; /* the file's name without .lua */
	const char *text;
	size_t len;
};

extern const struct lua_source lua_sources[];
extern const size_t lua_source_count;

#endif
