/* What credentials.c and credentials_user.c share. See credentials.h. */
#ifndef CHAT_CREDENTIALS_PARTS_H
#define CHAT_CREDENTIALS_PARTS_H

#include "chat/credentials.h"

#define COOKIES_MAX 32 /* a header of 8 KB holds fewer tickets */
#define COOKIE_PREFIX "room_"
#define USER_COOKIE_PREFIX "room_user_"
#define USER_COOKIE_NAME_LEN (sizeof USER_COOKIE_PREFIX - 1 + 8)
#define LOGIN_COOKIE "room_login"
#define LOGIN_COOKIE_SECURE "__Host-room_login" /* over HTTPS: browsers take it from this very host, not from a neighbour's */

/* What the Authorization header says, verified once however often it is looked at. */
struct bearer {
	enum err err; /* ERR_UNAUTHENTICATED too when there is none */
	struct ticket ticket;
	const char *token; /* as it came, token_len bytes, borrowed */
	size_t token_len;
	const char *details;
};

void credentials_bearer(struct bearer *out, const struct request *r);

/* credentials_participant and credentials_user for who has looked at the bearer already. */
enum err credentials_participant_by(const struct exchange *x, const struct bearer *b, const char *conversation, enum credentials_use use,
	struct credentials *out, const char **details) MUST_CHECK;
enum err credentials_user_by(const struct exchange *x, const struct bearer *b, const char *conversation, enum credentials_use use,
	struct credentials *out, const char **details) MUST_CHECK;

/* What a bearer is to the request it came with: its error and details, or OK with ticket, jwt and jwt_len filled in. */
enum err credentials_take_bearer(const struct bearer *b, struct credentials *out, const char **details) MUST_CHECK;

/* The cookies that hold tickets, room_<short hash> of one conversation or of a desk or room_user_<short hash>, sorted out. */
struct jar {
	const char *prefix;
	enum ticket_kind kind;
	const char *conversation; /* "" for desks and users */
	const char *as;           /* the hash wanted, NULL = any */
	const char *beside;       /* the bearer's hash, NULL without one */
	int offered;              /* named like ours and fit by as */
	int valid;                /* verified, and what is meant */
	bool expired;             /* one of them was */
	bool bearer_among;
	bool several;         /* valid ones of different people */
	struct ticket ticket; /* the first valid one */
	const char *jwt;
	size_t jwt_len;
};

/* Looks at one of a request's cookies; false: there were too many. */
bool credentials_look(struct jar *jar, const char *name, size_t name_len, const char *value, size_t value_len);

/* Clears the cookies of that prefix that came along (as: only that hash; NULL = all), whatever they hold; path: theirs. Returns how many. */
int credentials_clear(struct exchange *x, const char *prefix, const char *path, const char *as);

/* The hash that ?as= or the stream ticket (put into out) names; *as NULL when neither is there. kind: whose stream tickets are meant. */
enum err credentials_wanted(const struct exchange *x, enum ticket_kind kind, enum credentials_use use, struct credentials *out,
	const char **as, const char **details) MUST_CHECK;

#endif
