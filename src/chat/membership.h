/* Who is in a lasting conversation: bringing in, removing, leaving, roles, silence, mute. As chat/conversation.h says: on threads of store/dbpool, by the rights
 * table, announced before these return. Nobody is brought into, or taken out of, a direct conversation. *why: a static sentence for the client beside the error, or
 * NULL. */
#ifndef CHAT_MEMBERSHIP_H
#define CHAT_MEMBERSHIP_H

#include "chat/conversation.h"

/* Brings participant in as role (NULL: what such a conversation gives by itself). *added false: he is in it already, as that. + ERR_CONFLICT: in it as something
 * else, or it has as many people as it may have; ERR_RATE_LIMITED. *out (in the arena): his place. */
enum err membership_add(struct db *d, struct arena *a, const struct ticket *by, const char *id, const char *participant, const char *role,
	struct member *out, bool *added, const char **why, int *retry_after_s) MUST_CHECK;

/* Takes participant out; by himself: he leaves. When the last admin of a group goes, whoever has been in it longest is made admin in the same instant;
 * when nobody is left, it is erased. */
enum err membership_remove(struct db *d, const struct ticket *by, const char *id, const char *participant, const char **why) MUST_CHECK;

/* Somebody is no more: out of all conversations, direct ones included, one after the other (again after an error: goes on where it was). */
enum err membership_depart(struct db *d, const char *participant) MUST_CHECK;

/* role NULL: stays. silenced_until -1: stays; 0: may speak. + ERR_CONFLICT: the last admin of a group stays one; ERR_RATE_LIMITED: what
 * is told of it counts as a message. */
enum err membership_change(struct db *d, struct arena *a, const struct ticket *by, const char *id, const char *participant,
	const char *role, int64_t silenced_until, struct member *out, const char **why, int *retry_after_s) MUST_CHECK;

enum err membership_mute(struct db *d, const struct ticket *by, bool muted) MUST_CHECK;

#endif
