/* See conversations_make.h. Called by chat/conversation. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mac.h"
#include "store/conversations_make.h"

#define SALT_LEN 32
#define TRIES 3 /* it was there, and was erased before we could look: try again */

/* A salted hash, so that nothing of what was asked for can be guessed from it. */
static void print_of(char out[2 * MAC_BYTES + 1], const char *salt, const char *text)
{
	unsigned char mac[MAC_BYTES];

	mac_sha256(mac, salt, strlen(salt), text, strlen(text));
	for (int i = 0; i < MAC_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static enum err insert(struct db *d, const struct conversation_make *m, int64_t now, const char *id, int64_t *n)
{
	char birth[ID_CHECK_LEN + 1], salt[SALT_LEN + 1], print[2 * MAC_BYTES + 1];

	id_hex(birth, ID_CHECK_LEN);
	id_hex(salt, SALT_LEN);
	if (m->made_as)
		print_of(print, salt, m->print);
	return db_number(d, n,
		"INSERT INTO conversations (id, type, channel, status, title, pair, made_as, made_print, made_by, made_at, last_at, metadata, "
		"retention_s, "
		"people, birth, salt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING "
		"RETURNING n",
		DB_ARGS(db_text(id), db_text(m->type), db_text(m->channel), db_text(m->status), db_text(m->title), db_text(m->pair),
			db_text(m->made_as), db_text(m->made_as ? print : NULL), db_text(m->by), db_int(now), db_text(m->metadata),
			((struct db_value){.kind = DB_INT, .number = m->retention_s, .null = m->retention_s < 0}), db_int(m->count), db_text(birth),
			db_text(salt)));
}

/* All in one statement, however many they are. */
static enum err insert_people(struct db *d, int64_t n, const struct conversation_make *m, int64_t now)
{
	struct buf json;
	enum err e;

	buf_init(&json, 1 << 20);
	buf_char(&json, '[');
	for (int i = 0; i < m->count; i++) /* ids and roles: nothing to escape */
		buf_printf(&json, "%s{\"id\":\"%s\",\"role\":\"%s\"}", i ? "," : "", m->people[i].id, m->people[i].role);
	buf_char(&json, ']');
	e = !buf_ok(&json)
		? ERR_INTERNAL
		: db_exec(d, NULL,
			  "INSERT INTO members (conversation, participant, role, joined_at, last_at) SELECT $1, "
			  "{sqlite: json_extract(value, '$.id'), json_extract(value, '$.role')}{postgres: value->>'id', value->>'role'}, $3, $3 "
			  "FROM {sqlite: json_each($2) WHERE true}{postgres: json_array_elements(CAST($2 AS json))}",
			  DB_ARGS(db_int(n), db_text(json.data), db_int(now)));
	buf_done(&json);
	return e;
}

/* The one that is there already. */
static enum err find(struct db *d, struct arena *a, const struct conversation_make *m, const char **id)
{
	char print[2 * MAC_BYTES + 1];
	struct db_rows r;
	bool same = false;
	enum err e;

	*id = NULL;
	db_query(&r, d, "SELECT id, pair, salt, made_print FROM conversations WHERE pair = $1 OR made_as = $2 LIMIT 2",
		DB_ARGS(db_text(m->pair), db_text(m->made_as)));
	while (db_rows_next(&r)) {
		bool pair = m->pair && strcmp(db_rows_word(&r, 1), m->pair) == 0;
		if (*id && !pair) /* the pair's own goes first */
			continue;
		*id = db_rows_keep(&r, 0, a);
		same = pair;
		if (!pair && m->made_as) {
			print_of(print, db_rows_word(&r, 2), m->print);
			same = strcmp(print, db_rows_word(&r, 3)) == 0;
		}
	}
	e = db_rows_done(&r);
	if (e == OK && *id && !same)
		e = ERR_CLIENT_ID_REUSED;
	return e;
}

enum err conversations_make(struct db *d, struct arena *a, const struct conversation_make *m, int64_t now, const char **id, bool *made)
{
	char fresh[sizeof CONVERSATION_ID_PREFIX + 23];

	for (int i = 0; i < TRIES; i++) {
		int64_t n;
		enum err e;
		id_new(fresh, CONVERSATION_ID_PREFIX);
		e = insert(d, m, now, fresh, &n);
		*made = e == OK && n > 0;
		if (*made) {
			*id = arena_strdup(a, fresh);
			return insert_people(d, n, m, now);
		}
		if (e == OK)
			e = find(d, a, m, id);
		if (e != OK || *id)
			return e;
	}
	return ERR_STORE_UNAVAILABLE;
}

enum err conversations_of_pair(struct db *d, struct arena *a, const char *pair, const char **id)
{
	struct db_rows r;
	enum err e;

	*id = NULL;
	db_query(&r, d, "SELECT id FROM conversations WHERE pair = $1", DB_ARGS(db_text(pair)));
	if (db_rows_next(&r))
		*id = db_rows_keep(&r, 0, a);
	e = db_rows_done(&r);
	return e == OK && !*id ? ERR_NOT_FOUND : e;
}
