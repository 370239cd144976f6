/* chat/ticket: what claims mean, and that what we mint means what it should. */
#include "unit.h"
#include "base/clock.h"
#include "base/config.h"
#include "chat/ticket.h"

static struct ticket t;

static enum err read_claims(const char *text)
{
	json_t *claims = json_loads(text, 0, NULL);
	enum err e;

	assert_non_null(claims);
	memset(&t, 'x', sizeof t);
	e = ticket_from_claims(&t, claims);
	json_decref(claims);
	return e;
}

static void students(void **state)
{
	(void)state;
	assert_int_equal(read_claims("{\"iss\":\"mainserver\",\"sessionId\":\"sess_1\",\"role\":\"student\",\"anonymousId\":\"anon_x\","
								 "\"userId\":\"real\",\"exp\":1700000000}"),
		OK);
	assert_int_equal(t.kind, TICKET_PARTICIPANT);
	assert_string_equal(t.conversation, "sess_1");
	assert_string_equal(t.participant, "anon_x");
	assert_string_equal(t.side, "student");
	assert_string_equal(t.role, "student");
	assert_int_equal(t.acts, ACTS_STUDENT);
	assert_true(t.expires_at_ms == INT64_C(1700000000000));
}

static void counselors(void **state)
{
	static const char *const rows[][3] = {
		{"counselor", "counselor", "counselor"}, {"counsellor", "counselor", "counselor"}, {"volunteer", "counselor", "volunteer"}};
	char text[300];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof text, "{\"iss\":\"mainserver\",\"sessionId\":\"s\",\"role\":\"%s\",\"userId\":\"c1\",\"exp\":1}", rows[i][0]);
		assert_int_equal(read_claims(text), OK);
		assert_string_equal(t.side, rows[i][1]);
		assert_string_equal(t.role, rows[i][2]);
		assert_int_equal(t.acts, ACTS_COUNSELOR);
		snprintf(text, sizeof text, "{\"iss\":\"mainserver\",\"role\":\"%s\",\"userId\":\"c1\",\"exp\":1}", rows[i][0]);
		assert_int_equal(read_claims(text), OK);
		assert_int_equal(t.kind, TICKET_DESK);
		assert_string_equal(t.conversation, "");
	}
}

static void services(void **state)
{
	(void)state;
	assert_int_equal(read_claims("{\"iss\":\"mainserver\",\"role\":\"service\",\"exp\":1}"), OK);
	assert_int_equal(t.kind, TICKET_SERVICE);
	assert_string_equal(t.conversation, "");
	assert_string_equal(t.participant, "");
	assert_int_equal(t.acts, 0);
}

static void users(void **state)
{
	(void)state;
	assert_int_equal(read_claims("{\"iss\":\"mainserver\",\"role\":\"user\",\"userId\":\"u1\",\"name\":\"Ann\",\"exp\":1}"), OK);
	assert_int_equal(t.kind, TICKET_USER);
	assert_string_equal(t.participant, "u1");
	assert_string_equal(t.name, "Ann");
	assert_string_equal(t.login, "");
	assert_string_equal(t.conversation, "");
	assert_string_equal(t.role, "");
	assert_int_equal(t.acts, 0);
	/* chatPermissions are a session's: nothing of them reaches lasting conversations */
	assert_int_equal(
		read_claims("{\"iss\":\"mainserver\",\"role\":\"user\",\"userId\":\"u1\",\"chatPermissions\":[\"erase_session\"],\"exp\":1}"), OK);
	assert_int_equal(t.acts, 0);
	assert_int_equal(
		read_claims("{\"iss\":\"reading-room\",\"role\":\"user\",\"userId\":\"acct_1\",\"sid\":\"0123456789abcdef0123456789abcdef\","
					"\"name\":\"Mallory\",\"exp\":1}"),
		OK);
	assert_string_equal(t.participant, "acct_1");
	assert_string_equal(t.login, "0123456789abcdef0123456789abcdef");
	assert_string_equal(t.name, "");
}

/* A name that is too long ends with a whole character; what is none is left out, and keeps nobody out. */
static void names(void **state)
{
	char text[400], name[200] = "";

	(void)state;
	for (int i = 0; i < 33; i++)
		strcat(name, "€"); /* 99 bytes */
	snprintf(text, sizeof text, "{\"iss\":\"mainserver\",\"role\":\"user\",\"userId\":\"u1\",\"name\":\"%s\",\"exp\":1}", name);
	assert_int_equal(read_claims(text), OK);
	name[96] = '\0';
	assert_string_equal(t.name, name);
	for (size_t i = 0; i < 4; i++) {
		static const char *const none[] = {"\"\"", "\" \"", "\"a\\nb\"", "7"};
		snprintf(text, sizeof text, "{\"iss\":\"mainserver\",\"role\":\"user\",\"userId\":\"u1\",\"name\":%s,\"exp\":1}", none[i]);
		assert_int_equal(read_claims(text), OK);
		assert_string_equal(t.name, "");
	}
}

static void senseless(void **state)
{
#define OURS "\"iss\":\"reading-room\",\"exp\":1,"
#define S "\"iss\":\"mainserver\",\"exp\":1,"
	static const char *const bad[] = {
		"{}",
		"{\"role\":\"service\",\"exp\":1}",
		"{\"iss\":\"mainserver2\",\"role\":\"service\",\"exp\":1}",
		"{\"iss\":[\"mainserver\"],\"role\":\"service\",\"exp\":1}",
		"{\"iss\":\"MainServer\",\"role\":\"service\",\"exp\":1}",
		"{" S "\"role\":\"service\",\"sessionId\":\"s\"}",
		"{" S "\"role\":\"service\",\"sessionId\":null}",
		"{" S "\"role\":\"user\"}",
		"{" S "\"role\":\"user\",\"userId\":\"u1\",\"sessionId\":\"s\"}", /* a token with a session is a ticket and nothing else */
		"{" S "\"role\":\"user\",\"anonymousId\":\"u1\"}",
		"{" S "\"role\":\"user\",\"userId\":\"u 1\"}",
		"{" S "\"role\":\"user\",\"userId\":\"system\"}", /* what MainServer itself says has that sender */
		"{" S "\"role\":\"user\",\"userId\":\"acct_1\"}", /* accounts log in here, MainServer cannot speak for them */
		"{" S "\"role\":\"user\",\"userId\":\"acct_1\",\"sid\":\"0123456789abcdef0123456789abcdef\"}",
		"{" OURS "\"role\":\"user\",\"userId\":\"acct_1\"}",
		"{" OURS "\"role\":\"user\",\"userId\":\"acct_1\",\"sid\":\"0123456789abcdef0123456789abcde\"}",
		"{" OURS "\"role\":\"user\",\"userId\":\"acct_1\",\"sid\":\"0123456789ABCDEF0123456789abcdef\"}",
		"{" OURS "\"role\":\"user\",\"userId\":\"acct_1\",\"sid\":7}",
		"{" OURS "\"role\":\"user\",\"userId\":\"u1\",\"sid\":\"0123456789abcdef0123456789abcdef\"}",
		"{" OURS "\"role\":\"service\"}",
		"{" OURS "\"role\":\"counselor\",\"userId\":\"c1\"}",
		"{" OURS "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"admin\"}",
		"{" S "\"role\":\"\"}",
		"{" S "\"role\":[\"student\"],\"sessionId\":\"s\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"Student\",\"sessionId\":\"s\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"userId\":\"a\"}",
		"{" S "\"role\":\"counselor\",\"sessionId\":\"s\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":1,\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":null,\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"a b\",\"anonymousId\":\"a\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a/b\"}",
		"{" S
		"\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":\"send_message\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":[1]}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":null}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatServiceUrl\":\"https://chat.example.evil\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatServiceUrl\":\"https://chat.exampl\"}",
		"{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatServiceUrl\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (read_claims(bad[i]) != ERR_UNAUTHENTICATED)
			fail_msg("%s", bad[i]);
	assert_int_equal(t.kind, 'x' | 'x' << 8 | 'x' << 16 | 'x' << 24); /* untouched */
}

static void our_url(void **state)
{
	(void)state;
	assert_int_equal(
		read_claims("{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatServiceUrl\":\"https://chat.example\"}"),
		OK);
	assert_int_equal(
		read_claims("{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatServiceUrl\":\"https://chat.example/\"}"),
		OK);
}

static void permissions(void **state)
{
	(void)state;
	assert_int_equal(read_claims("{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":[]}"), OK);
	assert_int_equal(t.acts, 0);
	assert_int_equal(read_claims("{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":[\"view_"
								 "history\",\"fly\",\"send_message\",\"send_message\"]}"),
		OK);
	assert_int_equal(t.acts, ACT_SEND | ACT_HISTORY);
	assert_int_equal(read_claims("{" S "\"role\":\"student\",\"sessionId\":\"s\",\"anonymousId\":\"a\",\"chatPermissions\":[\"end_"
								 "session\",\"erase_session\",\"request_summary\"]}"),
		OK);
	assert_int_equal(t.acts, ACT_END | ACT_ERASE | ACT_SUMMARY);
}

static struct ticket some(
	enum ticket_kind kind, const char *conversation, const char *participant, const char *side, const char *role, unsigned acts)
{
	struct ticket made = {.kind = kind, .acts = acts, .expires_at_ms = (clock_now_ms() / 1000 + 3600) * 1000};

	snprintf(made.conversation, sizeof made.conversation, "%s", conversation);
	snprintf(made.participant, sizeof made.participant, "%s", participant);
	snprintf(made.side, sizeof made.side, "%s", side);
	snprintf(made.role, sizeof made.role, "%s", role);
	return made;
}

static void minted(void **state)
{
	struct ticket of_account = some(TICKET_USER, "", "acct_1", "user", "", 0);
	memcpy(of_account.login, "0123456789abcdef0123456789abcdef", TICKET_LOGIN_LEN);
	const struct ticket rows[] = {
		some(TICKET_PARTICIPANT, "sess_1", "anon_x", "student", "student", ACTS_STUDENT),
		some(TICKET_PARTICIPANT, "sess_1", "anon_x", "student", "student", ACT_HISTORY),
		some(TICKET_PARTICIPANT, "sess_1", "anon_x", "student", "student", 0),
		some(TICKET_PARTICIPANT, "sess_1", "c1", "counselor", "counselor", ACTS_COUNSELOR),
		some(TICKET_PARTICIPANT, "sess_1", "c1", "counselor", "volunteer", ACTS_COUNSELOR),
		some(TICKET_DESK, "", "c1", "counselor", "counselor", ACTS_COUNSELOR),
		some(TICKET_SERVICE, "", "", "", "", 0),
		some(TICKET_USER, "", "u1", "user", "", 0),
		of_account,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *token = ticket_mint(&rows[i]);
		const char *why = "";
		assert_non_null(token);
		memset(&t, 0, sizeof t);
		assert_int_equal(ticket_verify(&t, token, strlen(token), &why), OK);
		assert_true(ticket_same(&t, &rows[i]));
		assert_string_equal(t.role, rows[i].role);
		assert_int_equal(t.acts, rows[i].acts);
		assert_string_equal(t.login, rows[i].login);
		assert_true(t.expires_at_ms == rows[i].expires_at_ms);
		token[strlen(token) - 2] ^= 1;
		assert_int_equal(ticket_verify(&t, token, strlen(token), &why), ERR_UNAUTHENTICATED);
		free(token);
	}
}

static void sameness(void **state)
{
	struct ticket a = some(TICKET_PARTICIPANT, "s", "p", "student", "student", 0), b = a;
	char ha[9], hb[9];

	(void)state;
	b.acts = 7;
	b.expires_at_ms++;
	assert_true(ticket_same(&a, &b));
	ticket_short_hash(ha, &a);
	ticket_short_hash(hb, &b);
	assert_string_equal(ha, hb);
	assert_int_equal(strlen(ha), 8);
	b = some(TICKET_PARTICIPANT, "s", "p", "counselor", "counselor", 0);
	assert_false(ticket_same(&a, &b));
	ticket_short_hash(hb, &b);
	assert_string_not_equal(ha, hb);
	b = some(TICKET_PARTICIPANT, "s2", "p", "student", "student", 0);
	assert_false(ticket_same(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(students),
		cmocka_unit_test(counselors),
		cmocka_unit_test(services),
		cmocka_unit_test(users),
		cmocka_unit_test(names),
		cmocka_unit_test(senseless),
		cmocka_unit_test(our_url),
		cmocka_unit_test(permissions),
		cmocka_unit_test(minted),
		cmocka_unit_test(sameness),
	};
	const char *why = NULL;

	setenv("ROOM_URL", "https://chat.example", 1);
	setenv("ROOM_JWT_SECRET", "a secret of thirty-two bytes ok!", 1);
	if (config_load() != 0 || ticket_setup(&why) != OK)
		return 1;
	return cmocka_run_group_tests_name("ticket", tests, NULL, NULL);
}
