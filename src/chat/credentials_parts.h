/* What credentials.c and credentials_user.c share. See credentials.h. */
#ifndef CHAT_CREDENTIALS_PARTS_H
#define CHAT_CREDENTIALS_PARTS_H

#include "chat/credentials.h"

#define COOKIES_MAX 32 /* a header of 8 KB holds fewer tickets */
#define USER_COOKIE_PREFIX "room_user_"
#define USER_COOKIE_NAME_LEN (sizeof USER_COOKIE_PREFIX - 1 + 8)
#define LOGIN_COOKIE "room_login"

/* The ticket in the Authorization header, which is there. *token: as it came, borrowed. */
enum err credentials_bearer(const struct request *r, struct ticket *out, const char **token, size_t *len, const char **details) MUST_CHECK;

/* The hash that ?as= or the stream ticket (put into out) names; *as NULL when neither is there. kind: whose stream tickets are meant. */
enum err credentials_wanted(const struct exchange *x, enum ticket_kind kind, enum credentials_use use, struct credentials *out,
	const char **as, const char **details) MUST_CHECK;

#endif
