/* Settings: one table, from the environment or from the lines NAME=value of the file ROOM_ENV names (the environment wins).
 * Loaded once in main, before threads; read-only afterwards. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum config_kind { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_FLAG, CONFIG_URL, CONFIG_RATE };
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT };

struct config_row {
	const char *name; /* ROOM_PORT */
	enum config_kind kind;
	const char *fallback; /* default as text; "" = unset */
	int64_t least, most;  /* bounds of a number */
	const char *accept;   /* of a text, what it may be: "info|warn"; an item ending in ':' or '/' is a prefix. NULL = anything */
	const char *unit;     /* "s", "bytes", "" */
	bool secret;
	const char *help; /* one line */
};

/* The table, closed by a row whose name is NULL. */
const struct config_row *config_rows(void);

/* Reads and checks every setting. 0, or -1 with one line per mistake on standard error: programs must not go on with defaults when a
 * setting does not parse. An unknown ROOM_* name is a warning. */
int config_load(void);

/* The value as text, never NULL ("" = unset); name must be a row's (aborts otherwise). Valid for the process's life. */
const char *config_text(const char *name);
int64_t config_number(const char *name);                              /* also flags: 0 or 1 */
void config_rate(const char *name, int64_t *count, int64_t *seconds); /* "60/10"; count 0 = unlimited */
enum config_source config_source(const char *name);

/* True when value is one of the comma-separated items of the list setting (exact match). */
bool config_lists(const char *name, const char *value);

/* ROOM_URL, or made from ROOM_TLS and ROOM_PORT; no trailing slash. */
const char *config_public_url(void);

/* Forgets all values, for tests. */
void config_done(void);

#endif
