/* Who may (design §6): from what a request brings along to the ticket it stands for. Used by both programs, before any handler. CPU only; any thread. */
#ifndef CHAT_CREDENTIALS_H
#define CHAT_CREDENTIALS_H

#include <stdbool.h>
#include "chat/ticket.h"
#include "http/exchange.h"

enum credentials_use {
	CREDENTIALS_REST, /* Authorization, or a cookie of this conversation (chosen by ?as= when there are several participants'); of users: theirs */
	CREDENTIALS_ENTRANCE, /* …/cookie: the same, but a bearer may add himself beside the cookies of others */
	CREDENTIALS_STREAM,   /* events and poll: a ?stream_ticket= as well */
};

struct credentials {
	bool known; /* ticket says who; only with a stream ticket may it be false after OK */
	struct ticket ticket;
	const char *jwt; /* the token as it came, jwt_len bytes, borrowed from the request */
	size_t jwt_len;
	bool by_cookie;
	/* CREDENTIALS_STREAM: the single-use ticket to redeem before anything else, NULL = none. If it is spent or unknown and ticket is known (EventSource
	 * reconnecting with its old URL and the cookie), go on with ticket; if not known, ERR_UNAUTHENTICATED. When redeemed, it speaks for the same
	 * participant as ticket, if that is known: both were compared by short hash; compare again (ticket_same) with what the store says. */
	const char *stream_ticket;
	/* Users, where a login is to be looked up before ticket is more than a claim (ticket.login and beside; chat/login.h, credentials_settle): */
	char beside[TICKET_LOGIN_LEN + 1]; /* a login cookie beside ticket: if it stands, it must be the same person's. "" none */
	char as[9];                        /* who the login must turn out to be, by short hash. "" anybody */
};

/* Who asks for what is conversation's. OK; ERR_UNAUTHENTICATED, ERR_TICKET_EXPIRED; ERR_NOT_FOUND for another conversation's ticket; ERR_FORBIDDEN for
 * service and desk tokens and for a cookie used from elsewhere; ERR_UNSUPPORTED_TYPE for a cookie's write without JSON; ERR_BAD_REQUEST when
 * credentials disagree. *details: a static sentence for the client, or NULL. */
enum err credentials_participant(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details) MUST_CHECK;

/* Who asks for a desk: a counselor's or volunteer's token without a session, or the cookie of /api/desk made of one. As above; ERR_FORBIDDEN for any other valid
 * bearer. */
enum err credentials_desk(const struct exchange *x, enum credentials_use use, struct credentials *out, const char **details) MUST_CHECK;

/* Who asks as a user of lasting conversations: MainServer's user or an account's, by bearer, login cookie (room_login, over HTTPS __Host-room_login), or a cookie that holds their token (room_user_<hash>).
 * As above; ERR_FORBIDDEN for any other valid bearer. Users' stream tickets are longer than participants' (USER_STREAM_TICKET_LEN) and redeemed by chat/stream_ticket.h. */
enum err credentials_user(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details) MUST_CHECK;

/* Whoever may be in conversation: its participant (credentials_participant) or else a user. Users' tickets name the conversation of the path, too; whether there is one,
 * and they are in it, the store knows. */
enum err credentials_member(
	const struct exchange *x, const char *conversation, enum credentials_use use, struct credentials *out, const char **details) MUST_CHECK;

/* A user, or MainServer itself (TICKET_SERVICE); with conversation (may be NULL) as above. */
enum err credentials_manager(const struct exchange *x, const char *conversation, struct credentials *out, const char **details) MUST_CHECK;

/* The bearer must be MainServer (TICKET_SERVICE), or a counselor without a session (TICKET_DESK). + ERR_FORBIDDEN for any other valid token. */
enum err credentials_other(const struct exchange *x, enum ticket_kind kind, struct ticket *out, const char **details) MUST_CHECK;

/* The cookie for t, of its conversation, of the desk or (users without a conversation) of everything, holding jwt: adds Set-Cookie to x's reply. */
void credentials_cookie_set(struct exchange *x, const struct ticket *t, const char *jwt, size_t jwt_len);
void credentials_cookie_clear(struct exchange *x, const struct ticket *t);
/* Clears the cookies named like ours that came along (as: only that hash; NULL = all), whatever they hold. path: theirs. Returns how many. */
int credentials_cookies_clear(struct exchange *x, const char *path, const char *as);

/* The login cookie: value is secret, LOGIN_VALUE_LEN hex digits, and kept by the browser for as long as an unused login lasts. */
void credentials_login_set(struct exchange *x, const char *value);
void credentials_login_clear(struct exchange *x);
/* The login cookie's value as it came along, LOGIN_VALUE_LEN digits (borrowed, more may follow); NULL: none, or nothing like one. */
const char *credentials_login(const struct request *r);
/* After a user's stream ticket was redeemed: the cookie that lets EventSource come back with the spent one, for the events of t's conversation or of the feed only. */
void credentials_stream_cookie(struct exchange *x, const struct ticket *t);
/* Clears the cookies of users' tokens that came along (as: only that hash; NULL = all). */
void credentials_users_clear(struct exchange *x, const char *as);
/* Clears t's cookie of the feed (credentials_stream_cookie), which comes along nowhere else. */
void credentials_feed_clear(struct exchange *x, const struct ticket *t);

/* May a request that came with cookies and writes be believed (design §6)? OK, ERR_FORBIDDEN, ERR_UNSUPPORTED_TYPE. */
enum err credentials_against_forgery(const struct request *r, const char **details) MUST_CHECK;

/* A new stream ticket for t (out holds USER_STREAM_TICKET_LEN + 1 bytes, chat/stream_ticket.h): t's short hash, so that a reconnect with the spent ticket still names the cookie
 * it means, then 24 random hex digits. A user's is the same behind a "u". */
void credentials_stream_ticket(char *out, const struct ticket *t);

#endif
