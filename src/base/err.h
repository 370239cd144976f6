/* What can go wrong, as the contract names it: one enum, one table that maps it to status, code and a sentence for people.
 * Everything that can fail returns enum err (OK is 0) and must be looked at. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

enum err {
	OK = 0,
	ERR_BAD_REQUEST,
	ERR_BAD_JSON,
	ERR_BAD_CONTENT,
	ERR_UNAUTHENTICATED,
	ERR_TICKET_EXPIRED,
	ERR_FORBIDDEN,
	ERR_NOT_FOUND,
	ERR_METHOD_NOT_ALLOWED,
	ERR_CONFLICT,
	ERR_SESSION_ENDED,
	ERR_LOG_FULL,
	ERR_GONE,
	ERR_TOO_LARGE,
	ERR_UNSUPPORTED_TYPE,
	ERR_CLIENT_ID_REUSED,
	ERR_RATE_LIMITED,
	ERR_INTERNAL,
	ERR_STORE_UNAVAILABLE,
	ERR_PROFILE_SERVICE_UNAVAILABLE,
	ERR_SUMMARIES_OFF,
	ERR_COUNT_
};

#define MUST_CHECK __attribute__((warn_unused_result))

struct err_row {
	int status;          /* HTTP */
	const char *code;    /* e.g. "SESSION_ENDED" */
	const char *message; /* one sentence for people */
};

/* The row of e; never NULL (an unknown e gives INTERNAL's). */
const struct err_row *err_row(enum err e);

/* The error whose code is the len bytes at code (Lua scripts answer with codes), ERR_INTERNAL when there is none. */
enum err err_by_code(const char *code, size_t len);

#endif
