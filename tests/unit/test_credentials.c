/* chat/credentials: bearer, cookies and stream tickets, alone and against each other (design §6). */
#include <dlfcn.h>

#include "peer.h"
#include "base/clock.h"
#include "base/config.h"
#include "chat/credentials.h"
#include "chat/stream_ticket.h"

enum { ALICE, BOB, ALICE_ELSEWHERE, STALE, SERVICE, DESK, USER, MINTED }; /* student and counselor of "room", … */

static struct ticket who[MINTED];
static char *jwt[MINTED], hash[MINTED][9];

static void mint(int i, enum ticket_kind kind, const char *conversation, const char *participant, const char *side)
{
	struct ticket *t = &who[i];

	*t = (struct ticket){.kind = kind,
		.acts = strcmp(side, "student") ? ACTS_COUNSELOR : ACTS_STUDENT,
		.expires_at_ms = (clock_now_ms() / 1000 + (i == STALE ? -60 : 3600)) * 1000};
	snprintf(t->conversation, sizeof t->conversation, "%s", conversation);
	snprintf(t->participant, sizeof t->participant, "%s", participant);
	snprintf(t->side, sizeof t->side, "%s", side);
	snprintf(t->role, sizeof t->role, "%s", side);
	jwt[i] = ticket_mint(t);
	ticket_short_hash(hash[i], t);
}

static struct credentials c;
static const char *details;

/* libjwt's, counted: it stands before the library's own. */
static int verified;

int jwt_decode(void **out, const char *token, const unsigned char *key, int key_len);
int jwt_decode(void **out, const char *token, const unsigned char *key, int key_len)
{
	int (*real)(void **, const char *, const unsigned char *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "jwt_decode");
	verified++;
	return real(out, token, key, key_len);
}

/* What a request with these parts gets; absent ones are NULL. cookies: NAME=VALUE text as the header has it. */
struct ask {
	const char *method, *query, *bearer, *cookies, *origin, *fetch_site, *type;
	enum credentials_use use;
};

static char lines[8][9000];
static struct exchange *asked;

static enum err ask(struct ask a)
{
	const char *params[9] = {0};
	int n = 0;

	if (asked)
		exchange_free(asked);
#define ADD(...) (snprintf(lines[n], sizeof lines[n], __VA_ARGS__), params[n] = lines[n], n++)
	ADD("REQUEST_METHOD=%s", a.method ? a.method : "GET");
	ADD("REQUEST_URI=/api/conversations/room/messages%s%s", a.query ? "?" : "", a.query ? a.query : "");
	ADD("HTTP_HOST=chat.example");
	if (a.bearer)
		ADD("HTTP_AUTHORIZATION=%s", a.bearer);
	if (a.cookies)
		ADD("HTTP_COOKIE=%s", a.cookies);
	if (a.origin)
		ADD("HTTP_ORIGIN=%s", a.origin);
	if (a.fetch_site)
		ADD("HTTP_SEC_FETCH_SITE=%s", a.fetch_site);
	if (a.type)
		ADD("CONTENT_TYPE=%s", a.type);
	asked = peer_exchange(params);
	return credentials_participant(asked, "room", a.use, &c, &details);
}

static const char *bearer(int i)
{
	static char text[2][2000];
	static int turn;

	turn ^= 1;
	snprintf(text[turn], sizeof text[turn], "Bearer %s", jwt[i]);
	return text[turn];
}

/* A Cookie header with the cookies of one, or two. */
static const char *cookies(int i, int k)
{
	static char text[4000];
	size_t n = (size_t)snprintf(text, sizeof text, "other=1; room_%s=%s", hash[i], jwt[i]);

	if (k >= 0)
		snprintf(text + n, sizeof text - n, "; room_%s=%s", hash[k], jwt[k]);
	return text;
}

static const char *query(const char *name, int i)
{
	static char text[200];

	snprintf(text, sizeof text, "%s=%s", name, hash[i]);
	return text;
}

static void is(int i, bool by_cookie)
{
	assert_true(c.known);
	assert_true(ticket_same(&c.ticket, &who[i]));
	assert_int_equal(c.by_cookie, by_cookie);
	assert_int_equal(c.jwt_len, strlen(jwt[i]));
	assert_memory_equal(c.jwt, jwt[i], c.jwt_len);
}

static void bearers(void **state)
{
	char text[4000];

	(void)state;
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE)}), OK);
	is(ALICE, false);
	snprintf(text, sizeof text, "bEARER   %s", jwt[BOB]); /* three blanks: the router refuses those, not this */
	assert_int_equal(ask((struct ask){.bearer = text}), OK);
	is(BOB, false);
	assert_int_equal(ask((struct ask){0}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.bearer = bearer(STALE)}), ERR_TICKET_EXPIRED);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE_ELSEWHERE)}), ERR_NOT_FOUND);
	assert_int_equal(ask((struct ask){.bearer = bearer(SERVICE)}), ERR_FORBIDDEN);
	assert_int_equal(ask((struct ask){.bearer = bearer(DESK)}), ERR_FORBIDDEN);
	assert_int_equal(ask((struct ask){.bearer = ""}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.bearer = "Bearer "}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.bearer = "Basic YTpi"}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.bearer = jwt[ALICE]}), ERR_UNAUTHENTICATED);
	snprintf(text, sizeof text, "Bearer %s, Bearer %s", jwt[ALICE], jwt[ALICE]);
	assert_int_equal(ask((struct ask){.bearer = text}), ERR_BAD_REQUEST);
	snprintf(text, sizeof text, "Bearer %s x", jwt[ALICE]);
	assert_int_equal(ask((struct ask){.bearer = text}), ERR_UNAUTHENTICATED);
	/* a broken bearer is not made up for by a good cookie */
	assert_int_equal(ask((struct ask){.bearer = "Bearer x", .cookies = cookies(ALICE, -1)}), ERR_UNAUTHENTICATED);
}

static void one_cookie(void **state)
{
	char text[4000];

	(void)state;
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, -1)}), OK);
	is(ALICE, true);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, -1), .query = query("as", ALICE)}), OK);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, -1), .query = query("as", BOB)}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.cookies = cookies(STALE, -1)}), ERR_TICKET_EXPIRED);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, STALE)}), OK); /* what expired is nobody */
	is(ALICE, true);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE_ELSEWHERE, -1)}), ERR_UNAUTHENTICATED);
	snprintf(text, sizeof text, "room_%s=%s", hash[BOB], jwt[ALICE]);
	assert_int_equal(ask((struct ask){.cookies = text}), ERR_UNAUTHENTICATED);
	snprintf(text, sizeof text, "ROOM_%s=%s; room_=%s; room_%sx=%s; %s", hash[ALICE], jwt[ALICE], jwt[ALICE], hash[ALICE], jwt[ALICE],
		jwt[ALICE]);
	assert_int_equal(ask((struct ask){.cookies = text}), ERR_UNAUTHENTICATED);
}

static void two_cookies(void **state)
{
	(void)state;
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, BOB)}), ERR_BAD_REQUEST);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, BOB), .query = query("as", BOB)}), OK);
	is(BOB, true);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, BOB), .query = query("as", ALICE)}), OK);
	is(ALICE, true);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, BOB), .query = "as=00000000"}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.cookies = cookies(ALICE, ALICE)}), OK);
}

static void disagreement(void **state)
{
	(void)state;
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(ALICE, -1)}), OK);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(BOB, ALICE)}), OK);
	is(ALICE, false);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(BOB, -1)}), ERR_BAD_REQUEST);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(BOB, -1), .use = CREDENTIALS_STREAM}), ERR_BAD_REQUEST);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(BOB, -1), .use = CREDENTIALS_ENTRANCE}), OK);
	assert_int_equal(
		ask((struct ask){.bearer = bearer(ALICE), .cookies = cookies(ALICE_ELSEWHERE, STALE)}), OK); /* neither speaks for anyone here */
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .query = query("as", ALICE)}), OK);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .query = query("as", BOB)}), ERR_BAD_REQUEST);
}

static void strange_queries(void **state)
{
	char text[3000];

	(void)state;
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .query = "as=xyz"}), ERR_BAD_REQUEST);
	assert_int_equal(ask((struct ask){.bearer = bearer(ALICE), .query = "as=00000000&as=00000000"}), ERR_BAD_REQUEST);
	snprintf(text, sizeof text, "limit=1&access_token=%s", jwt[ALICE]);
	assert_int_equal(ask((struct ask){.query = text}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.query = text, .bearer = bearer(ALICE)}), ERR_UNAUTHENTICATED);
	assert_int_equal(ask((struct ask){.query = text, .cookies = cookies(ALICE, -1)}), ERR_UNAUTHENTICATED);
}

static void stream_tickets(void **state)
{
	char opaque[STREAM_TICKET_LEN + 1], again[STREAM_TICKET_LEN + 1], q[200];

	(void)state;
	credentials_stream_ticket(opaque, &who[ALICE]);
	credentials_stream_ticket(again, &who[ALICE]);
	assert_int_equal(strlen(opaque), STREAM_TICKET_LEN);
	assert_string_not_equal(opaque, again);
	snprintf(q, sizeof q, "stream_ticket=%s", opaque);
	assert_int_equal(ask((struct ask){.query = q, .use = CREDENTIALS_STREAM}), OK);
	assert_false(c.known);
	assert_string_equal(c.stream_ticket, opaque);
	assert_int_equal(ask((struct ask){.query = q}), ERR_UNAUTHENTICATED); /* REST knows no stream tickets */
	/* the reconnect: the spent ticket picks its owner's cookie */
	assert_int_equal(ask((struct ask){.query = q, .cookies = cookies(BOB, ALICE), .use = CREDENTIALS_STREAM}), OK);
	is(ALICE, true);
	assert_string_equal(c.stream_ticket, opaque);
	assert_int_equal(ask((struct ask){.query = q, .cookies = cookies(BOB, -1), .use = CREDENTIALS_STREAM}), OK);
	assert_false(c.known);
	assert_int_equal(ask((struct ask){.query = q, .bearer = bearer(ALICE), .use = CREDENTIALS_STREAM}), OK);
	is(ALICE, false);
	assert_int_equal(ask((struct ask){.query = q, .bearer = bearer(BOB), .use = CREDENTIALS_STREAM}), ERR_BAD_REQUEST);
	snprintf(q, sizeof q, "stream_ticket=%s&as=%s", opaque, hash[BOB]);
	assert_int_equal(ask((struct ask){.query = q, .use = CREDENTIALS_STREAM}), ERR_BAD_REQUEST);
	assert_int_equal(ask((struct ask){.query = "stream_ticket=short", .use = CREDENTIALS_STREAM}), ERR_UNAUTHENTICATED);
	/* a page elsewhere cannot ride on the cookie with a made-up ticket */
	snprintf(q, sizeof q, "stream_ticket=%s", opaque);
	assert_int_equal(
		ask((struct ask){.query = q, .cookies = cookies(ALICE, -1), .origin = "https://evil.example", .use = CREDENTIALS_STREAM}),
		ERR_FORBIDDEN);
}

static void forgery(void **state)
{
	static const struct {
		const char *method, *origin, *site, *type;
		enum err want;
	} rows[] = {
		{"GET", NULL, NULL, NULL, OK},
		{"GET", NULL, "none", NULL, OK},
		{"GET", NULL, "same-origin", NULL, OK},
		{"GET", NULL, "same-site", NULL, ERR_FORBIDDEN},
		{"GET", NULL, "cross-site", NULL, ERR_FORBIDDEN},
		{"GET", "http://chat.example", NULL, NULL, OK},
		{"GET", "https://app.example", "cross-site", NULL, OK},
		{"GET", "https://evil.example", NULL, NULL, ERR_FORBIDDEN},
		{"GET", "null", NULL, NULL, ERR_FORBIDDEN},
		{"HEAD", "null", NULL, NULL, ERR_FORBIDDEN},
		{"POST", "http://chat.example", NULL, "application/json", OK},
		{"POST", "https://app.example", "cross-site", "application/json", OK},
		{"POST", NULL, "same-origin", "application/json; charset=utf-8", OK},
		{"POST", NULL, NULL, "application/json", ERR_FORBIDDEN},
		{"POST", NULL, "none", "application/json", ERR_FORBIDDEN},
		{"POST", "", "same-origin", "application/json", ERR_FORBIDDEN},
		{"POST", "null", "same-origin", "application/json", ERR_FORBIDDEN},
		{"POST", "http://chat.example.evil", NULL, "application/json", ERR_FORBIDDEN},
		{"POST", "http://chat.example:81", NULL, "application/json", ERR_FORBIDDEN},
		{"POST", "https://chat.example", NULL, "application/json", ERR_FORBIDDEN}, /* another scheme is another origin */
		{"POST", "http://chat.example", NULL, "text/plain", ERR_UNSUPPORTED_TYPE},
		{"POST", "http://chat.example", NULL, "text/plain; application/json", ERR_UNSUPPORTED_TYPE},
		{"POST", "http://chat.example", NULL, NULL, ERR_UNSUPPORTED_TYPE},
		{"DELETE", "http://chat.example", NULL, NULL, OK},
		{"DELETE", "https://evil.example", NULL, NULL, ERR_FORBIDDEN},
		{"PUT", NULL, NULL, "application/json", ERR_FORBIDDEN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ask a = {.method = rows[i].method,
			.cookies = cookies(ALICE, -1),
			.origin = rows[i].origin,
			.fetch_site = rows[i].site,
			.type = rows[i].type};
		if (ask(a) != rows[i].want)
			fail_msg("cookie, row %zu", i);
		a.cookies = NULL;
		a.bearer = bearer(ALICE); /* no page can make a browser send that by itself */
		assert_int_equal(ask(a), OK);
	}
}

static void others(void **state)
{
	const char *params[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/api/sessions/room", lines[0], NULL};
	static const struct {
		int who;
		enum ticket_kind kind;
		enum err want;
	} rows[] = {{SERVICE, TICKET_SERVICE, OK}, {DESK, TICKET_DESK, OK}, {ALICE, TICKET_SERVICE, ERR_FORBIDDEN},
		{DESK, TICKET_SERVICE, ERR_FORBIDDEN}, {SERVICE, TICKET_DESK, ERR_FORBIDDEN}, {BOB, TICKET_DESK, ERR_FORBIDDEN},
		{STALE, TICKET_SERVICE, ERR_TICKET_EXPIRED}};
	struct ticket t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct exchange *x;
		snprintf(lines[0], sizeof lines[0], "HTTP_AUTHORIZATION=%s", bearer(rows[i].who));
		x = peer_exchange(params);
		assert_int_equal(credentials_other(x, rows[i].kind, &t, &details), rows[i].want);
		exchange_free(x);
	}
	snprintf(lines[0], sizeof lines[0], "HTTP_COOKIE=%s", cookies(ALICE, -1));
	struct exchange *x = peer_exchange(params);
	assert_int_equal(credentials_other(x, TICKET_SERVICE, &t, &details), ERR_UNAUTHENTICATED);
	exchange_free(x);
}

static const char *set_cookie(const char *origin, const char *https, bool clear)
{
	const char *params[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/", "HTTP_HOST=chat.example", origin, https, NULL};
	struct exchange *x = peer_exchange(params);

	if (clear)
		credentials_cookie_clear(x, &who[ALICE]);
	else
		credentials_cookie_set(x, &who[ALICE], "a.b.c", 5);
	exchange_empty(x, 204);
	return peer_header(peer_reply(NULL), "Set-Cookie");
}

static void setting(void **state)
{
	char start[100], want[300];

	(void)state;
	snprintf(start, sizeof start, "room_%s=a.b.c; Path=/api/conversations/room; HttpOnly; SameSite=", hash[ALICE]);
	snprintf(want, sizeof want, "%sStrict", start);
	assert_string_equal(set_cookie("HTTP_X=1", NULL, false), want);
	assert_string_equal(set_cookie("HTTP_ORIGIN=http://chat.example", NULL, false), want);
	assert_string_equal(set_cookie("HTTP_ORIGIN=https://evil.example", NULL, false), want);
	snprintf(want, sizeof want, "%sStrict; Secure", start);
	assert_string_equal(set_cookie("HTTP_ORIGIN=https://chat.example", "HTTPS=on", false), want);
	snprintf(want, sizeof want, "%sNone; Secure", start);
	assert_string_equal(set_cookie("HTTP_ORIGIN=https://app.example", "HTTPS=on", false), want);
	snprintf(want, sizeof want, "room_%s=; Path=/api/conversations/room; Max-Age=0; HttpOnly; SameSite=Strict", hash[ALICE]);
	assert_string_equal(set_cookie("HTTP_X=1", NULL, true), want);
}

/* A hub remembers no tokens: whoever a bearer turns out to be, his costs one verification. */
static void verified_once(void **state)
{
	const int all[] = {ALICE, STALE, SERVICE, DESK, USER};

	(void)state;
	ticket_setup_forgetful();
	for (size_t i = 0; i < COUNT(all); i++) {
		const char *params[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/api/conversations/room/events", lines[0], NULL};
		struct exchange *x;
		enum err e;
		snprintf(lines[0], sizeof lines[0], "HTTP_AUTHORIZATION=%s", bearer(all[i]));
		x = peer_exchange(params);
		verified = 0;
		e = credentials_member(x, "room", CREDENTIALS_STREAM, &c, &details);
		assert_int_equal(verified, 1);
		assert_int_equal(e, all[i] == ALICE || all[i] == USER ? OK : all[i] == STALE ? ERR_TICKET_EXPIRED : ERR_FORBIDDEN);
		e = credentials_manager(x, "room", &c, &details);
		assert_int_equal(verified, 2);
		assert_int_equal(e, all[i] == SERVICE || all[i] == USER ? OK : all[i] == STALE ? ERR_TICKET_EXPIRED : ERR_FORBIDDEN);
		exchange_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bearers), cmocka_unit_test(one_cookie), cmocka_unit_test(two_cookies), cmocka_unit_test(disagreement),
		cmocka_unit_test(strange_queries), cmocka_unit_test(stream_tickets), cmocka_unit_test(forgery), cmocka_unit_test(others),
		cmocka_unit_test(setting), cmocka_unit_test(verified_once), /* the last: from here on every token is verified */
	};
	const char *why = NULL;
	int failed;

	setenv("ROOM_ORIGINS", "https://app.example", 1);
	setenv("ROOM_JWT_SECRET", "a secret of thirty-two bytes ok!", 1);
	if (config_load() != 0 || ticket_setup(&why) != OK)
		return 1;
	mint(ALICE, TICKET_PARTICIPANT, "room", "alice", "student");
	mint(BOB, TICKET_PARTICIPANT, "room", "bob", "counselor");
	mint(ALICE_ELSEWHERE, TICKET_PARTICIPANT, "elsewhere", "alice", "student");
	mint(STALE, TICKET_PARTICIPANT, "room", "stale", "student");
	mint(SERVICE, TICKET_SERVICE, "", "", "");
	mint(DESK, TICKET_DESK, "", "bob", "counselor");
	mint(USER, TICKET_USER, "", "carol", "user");
	failed = cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
	if (asked)
		exchange_free(asked);
	for (int i = 0; i < MINTED; i++)
		free(jwt[i]);
	peer_done();
	return failed;
}
