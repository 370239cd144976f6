/* What credentials.c and credentials_user.c share. See credentials.h. */
#ifndef CHAT_CREDENTIALS_PARTS_H
#define CHAT_CREDENTIALS_PARTS_H

#include "chat/credentials.h"

/* The ticket in the Authorization header, which is there. *token: as it came, borrowed. */
enum err credentials_bearer(const struct request *r, struct ticket *out, const char **token, size_t *len, const char **details) MUST_CHECK;

#endif
