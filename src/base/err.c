/* The one table of design §7: what each error is called, and what people read. Used by http/exchange for every error reply. */
#include <string.h>

#include "base/err.h"

static const struct err_row rows[ERR_COUNT_] = {
	[OK] = {200, "OK", "All is well."},
	[ERR_BAD_REQUEST] = {400, "BAD_REQUEST", "The request cannot be understood."},
	[ERR_BAD_JSON] = {400, "BAD_JSON", "The body is not valid JSON."},
	[ERR_BAD_CONTENT] = {400, "BAD_CONTENT", "The content must be text of 1 to 16384 bytes, in valid UTF-8."},
	[ERR_UNAUTHENTICATED] = {401, "UNAUTHENTICATED", "A valid ticket is needed."},
	[ERR_TICKET_EXPIRED] = {401, "TICKET_EXPIRED", "The ticket has expired; ask for a new one."},
	[ERR_FORBIDDEN] = {403, "FORBIDDEN", "You may not do this."},
	[ERR_NOT_FOUND] = {404, "NOT_FOUND", "There is nothing here."},
	[ERR_METHOD_NOT_ALLOWED] = {405, "METHOD_NOT_ALLOWED", "This method is not allowed here."},
	[ERR_CONFLICT] = {409, "CONFLICT", "This exists already, with other content."},
	[ERR_SESSION_ENDED] = {409, "SESSION_ENDED", "The session has ended and can only be read."},
	[ERR_LOG_FULL] = {409, "LOG_FULL", "The conversation is full."},
	[ERR_GONE] = {410, "GONE", "The conversation has expired or was erased."},
	[ERR_TOO_LARGE] = {413, "TOO_LARGE", "The request is too large."},
	[ERR_UNSUPPORTED_TYPE] = {415, "UNSUPPORTED_TYPE", "The body must be application/json."},
	[ERR_CLIENT_ID_REUSED] = {422, "CLIENT_ID_REUSED", "This clientId was used for another message."},
	[ERR_RATE_LIMITED] = {429, "RATE_LIMITED", "Too much at once; wait a little."},
	[ERR_INTERNAL] = {500, "INTERNAL", "Something went wrong on our side."},
	[ERR_STORE_UNAVAILABLE] = {503, "STORE_UNAVAILABLE", "The service cannot reach its store; try again soon."},
	[ERR_PROFILE_SERVICE_UNAVAILABLE] = {503, "PROFILE_SERVICE_UNAVAILABLE", "The profile service cannot be reached; try again soon."},
	[ERR_SUMMARIES_OFF] = {503, "SUMMARIES_OFF", "Summaries are switched off."},
};

const struct err_row *err_row(enum err e)
{
	if ((unsigned)e >= ERR_COUNT_)
		e = ERR_INTERNAL;
	return &rows[e];
}

enum err err_by_code(const char *code, size_t len)
{
	for (int e = 0; e < ERR_COUNT_; e++)
		if (strlen(rows[e].code) == len && memcmp(rows[e].code, code, len) == 0)
			return (enum err)e;
	return ERR_INTERNAL;
}
