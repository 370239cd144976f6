/* What bodies and queries of the routes of lasting conversations say. */
#ifndef API_CONVERSATIONS_BODY_H
#define API_CONVERSATIONS_BODY_H

#include "chat/conversation.h"
#include "http/body.h"
#include "store/conversations_list.h"

/* Reads POST /api/conversations for by. Mistakes stick to b. */
void conversations_read_new(struct body *b, const struct ticket *by, struct conversation_make *m, const char **client_id);

/* Reads PUT /api/conversations/{id}. */
void conversations_read_change(struct body *b, struct conversation_change *change);

/* Reads GET /api/conversations' query. ERR_BAD_REQUEST, *why says what. */
enum err conversations_read_query(
	const struct request *r, const struct ticket *by, struct conversations_query *q, const char **why) MUST_CHECK;

/* The role that a member has who was given none, in a conversation of that type. */
const char *conversations_default_role(const char *type, bool by_service);

/* A place of a list as a cursor, and back; a cursor of people's lists has their id behind the "-". False: it is none. */
bool conversations_place_parse(struct conversations_place *out, const char *text);
void conversations_place_print(struct buf *out, const struct conversations_place *place);

#endif
