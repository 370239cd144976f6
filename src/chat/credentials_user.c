/* Users of lasting conversations (see credentials.h): accounts made here, and MainServer's users. Called by api/guard and by the stream program. */
#include <stdio.h>
#include <string.h>

#include "chat/credentials_parts.h"

static enum err bearer(const struct exchange *x, struct credentials *out, const char **details)
{
	*details = NULL;
	*out = (struct credentials){0};
	if (request_query_has_jwt(&x->request)) {
		*details = "A token must not stand in a query string.";
		return ERR_UNAUTHENTICATED;
	}
	if (!x->request.authorization)
		return ERR_UNAUTHENTICATED;
	return credentials_bearer(&x->request, &out->ticket, &out->jwt, &out->jwt_len, details);
}

enum err credentials_user(const struct exchange *x, enum credentials_use use, struct credentials *out, const char **details)
{
	enum err e = bearer(x, out, details);

	(void)use;
	if (e != OK)
		return e;
	if (out->ticket.kind != TICKET_USER) {
		*details = "This token is no user's.";
		return ERR_FORBIDDEN;
	}
	out->known = true;
	return OK;
}

enum err credentials_member(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details)
{
	if (!x->request.authorization || bearer(x, out, details) != OK || out->ticket.kind != TICKET_USER)
		return credentials_participant(x, conversation, use, out, details);
	out->known = true;
	snprintf(out->ticket.conversation, sizeof out->ticket.conversation, "%s", conversation);
	return OK;
}

enum err credentials_manager(const struct exchange *x, struct credentials *out, const char **details)
{
	if (x->request.authorization && bearer(x, out, details) == OK && out->ticket.kind == TICKET_SERVICE) {
		out->known = true;
		return OK;
	}
	return credentials_user(x, CREDENTIALS_REST, out, details);
}
