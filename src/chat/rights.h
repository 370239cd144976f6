/* Who may do what in a lasting conversation: the one table, which the README shows and the tests cross. CPU only; any thread.
 *
 * Whoever is in a conversation sees it; who is not (any more) finds nothing there: ERR_NOT_FOUND, before any right is asked for. In a direct conversation both
 * are members, with rights of their own. MainServer ("service") may come to every lasting conversation, but reads nothing of what was said. */
#ifndef CHAT_RIGHTS_H
#define CHAT_RIGHTS_H

#include <stdbool.h>
#include "base/buf.h"

enum right {
	RIGHT_SEE,  /* the conversation and who is in it */
	RIGHT_READ, /* messages, threads, events, receipts, files */
	RIGHT_SEND, /* and show that one types */
	RIGHT_EDIT_OWN,
	RIGHT_DELETE_OWN,
	RIGHT_DELETE_OTHERS,
	RIGHT_RECEIPTS, /* move one's own read and delivered marks */
	RIGHT_UPLOAD,
	RIGHT_THREADS, /* begin one */
	RIGHT_MUTE,    /* for oneself */
	RIGHT_LEAVE,
	RIGHT_INVITE,
	RIGHT_REMOVE, /* others */
	RIGHT_ROLES,
	RIGHT_SILENCE,
	RIGHT_RENAME, /* title, channel, metadata */
	RIGHT_STATUS,
	RIGHT_RETENTION,
	RIGHT_ERASE,  /* the whole conversation */
	RIGHT_SYSTEM, /* send messages of the type system */
	RIGHT_COUNT_
};

#define RIGHTS_SERVICE "service" /* MainServer's role */

/* role: a member's (store/conversations.h), or RIGHTS_SERVICE; type: the conversation's. Unknown ones may nothing. */
bool rights_may(const char *role, const char *type, enum right right);

/* A role that a member can have. */
bool rights_role(const char *role);

/* Whether somebody with role by may bring somebody in as role: nobody hands out more than he has himself. */
bool rights_may_invite_as(const char *by, const char *role);

/* The table: {"columns":["customer",…],"rights":[{"right":"read","means":"…","may":["customer",…]},…]}. */
void rights_json(struct buf *out);

/* The table as the README has it. */
void rights_markdown(struct buf *out);

#endif
