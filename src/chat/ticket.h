/* What the claims of a JWT mean: who is asking, for which conversation, and what they may do (design §6). CPU only; any thread. */
#ifndef CHAT_TICKET_H
#define CHAT_TICKET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/jwt.h"

enum act { ACT_SEND = 1, ACT_HISTORY = 2, ACT_END = 4, ACT_ERASE = 8, ACT_SUMMARY = 16 };
#define ACTS_STUDENT (ACT_SEND | ACT_HISTORY | ACT_END | ACT_ERASE)
#define ACTS_COUNSELOR (ACTS_STUDENT | ACT_SUMMARY)

#define TICKET_LOGIN_LEN 32
#define TICKET_REQUEST_LEN 16
#define TICKET_SYSTEM "system"        /* sender and role of what MainServer itself says in lasting conversations; nobody's id */
#define TICKET_ACCOUNT_PREFIX "acct_" /* the ids of accounts made here; nobody else's id begins so */

/* TICKET_USER: somebody of lasting conversations (an account here, or MainServer's user); participant says who, conversation is filled in from the path by the
 * guard. What he may do there is not in the ticket: his role in the conversation says it. */
enum ticket_kind { TICKET_PARTICIPANT, TICKET_SERVICE, TICKET_DESK, TICKET_USER };

/* Plain data, no pointers: may be copied and outlive the request. */
struct ticket {
	enum ticket_kind kind;
	char conversation[ID_MAX + 1]; /* "" for service and desk */
	char participant[ID_MAX + 1];  /* anonymousId or userId; "" for service */
	char side[10]; /* "student" or "counselor": the place in the session ("counsellor", "volunteer" sit in the counselor's); "user" */
	char role[10]; /* the label readers see: student, counselor, volunteer; "" for users */
	unsigned acts; /* what the ticket allows: chatPermissions, or the role's default; 0 for users */
	int64_t expires_at_ms;
	char
		login[TICKET_LOGIN_LEN + 1]; /* users: the login that it rests on and that must still stand (chat/login.h); "" when it needs none */
	char request[TICKET_REQUEST_LEN + 1]; /* X-Request-Id of what it came with, for MainServer; "" when nobody said */
	char name[PERSON_NAME_MAX + 1];       /* users: what MainServer calls them; "" when it does not say */
};

/* The acts named by a JSON array of permission names; false when it is not an array of strings. Unknown names are ignored. */
bool acts_parse(unsigned *out, const json_t *names);

/* Reads the claims of a verified token (chatServiceUrl must be ours when claimed). ERR_UNAUTHENTICATED when they make no sense. */
enum err ticket_from_claims(struct ticket *out, const json_t *claims) MUST_CHECK;

/* Verifies token with the process's secrets (ticket_setup) and reads it. ERR_UNAUTHENTICATED, ERR_TICKET_EXPIRED; *why as jwt_verify's. */
enum err ticket_verify(struct ticket *out, const char *token, size_t len, const char **why) MUST_CHECK;

/* Mints the JWT for t (kind, conversation, participant, role, acts when they differ from the role's default, exp). The caller frees. NULL: out of memory. */
char *ticket_mint(const struct ticket *t);

/* Appends it, in quotes; out of memory marks b as failed. */
void ticket_mint_json(struct buf *b, const struct ticket *t);

/* Both speak for the same participant of the same conversation. */
bool ticket_same(const struct ticket *a, const struct ticket *b);

/* The short hash of side and participant: names the cookie (room_<hash>) and `?as=`. */
void ticket_short_hash(char out[9], const struct ticket *t);

/* Once per process: loads ROOM_JWT_SECRET. */
enum err ticket_setup(const char **why) MUST_CHECK;

/* After ticket_setup, in hubs: a stream shows its ticket once, so remembering verified ones would only cost memory. */
void ticket_setup_forgetful(void);

#endif
