/* The body of POST /api/sessions, checked. For sessions.c. */
#ifndef API_SESSIONS_BODY_H
#define API_SESSIONS_BODY_H

#include "chat/session.h"
#include "http/body.h"

/* Fills n from b; strings live as long as b and its arena. Mistakes are in b->error. */
void sessions_read_new(struct body *b, struct session_new *n);

/* counselorRole: "counselor" (also when absent, or spelt with two l) or "volunteer". */
const char *sessions_read_role(struct body *b);

#endif
