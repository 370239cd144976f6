/* Sessions: opened, looked at, assigned, ended, erased. Every call is one round trip to the store and never blocks: done is called exactly once, on
 * the store's reply thread (which must not block), with OK or the contract's error; its result pointer is valid during the call only.
 * All input strings are borrowed until the function returns. */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/id.h"
#include "chat/ticket.h"

struct session_new {
	const char *id;             /* chosen by the caller or made with id_new */
	const char *student;        /* anonymous id */
	const char *counselor;      /* NULL: nobody assigned yet */
	const char *counselor_role; /* "counselor" or "volunteer" */
	unsigned acts_student, acts_counselor;
	const char *case_ref;  /* NULL = none */
	const char *summaries; /* "allowed", "consent", "off" */
	bool summarize_on_end;
	const char *device_student; /* push targets as compact JSON {"token":…} or {"fid":…}; NULL = none */
	const char *device_counselor;
	int64_t ttl_ms;
};

struct session {
	char id[ID_MAX + 1];
	char status[8]; /* "active", "ended" */
	int64_t created_at, expires_at, last_activity_at;
	char student[ID_MAX + 1];
	char counselor[ID_MAX + 1]; /* "" = none */
	char counselor_role[10];
	char case_ref[ID_MAX + 1];
	char summaries[8];
	unsigned acts_student, acts_counselor;
	int64_t messages; /* sent, without deleted ones */
	bool online_student, online_counselor;
	int64_t copy_at; /* session_end: when the summary was asked for that waits for a copy of the log; 0: none does */
	bool created;    /* session_create: true = made now, false = the same stood there already */
};

typedef void session_done(void *ctx, enum err e, const struct session *s);

void session_create(const struct session_new *n, session_done *done, void *ctx); /* ERR_CONFLICT other content, ERR_GONE erased before */
void session_get(const char *id, session_done *done, void *ctx);                 /* ERR_NOT_FOUND, ERR_GONE */
void session_assign(const char *id, const char *counselor, const char *role, session_done *done, void *ctx); /* ERR_SESSION_ENDED */

/* by: a participant's ticket or the service's; its .request is told to MainServer. Ended before: OK. Of an erased one s is NULL. */
void session_end(const char *id, const struct ticket *by, session_done *done, void *ctx);
void session_erase(const char *id, const struct ticket *by, session_done *done, void *ctx);

#endif
