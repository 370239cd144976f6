/* The walk of `room life`: from MainServer's token to the deadline, step by step, as the two people, MainServer and Google see it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "outside/fetch.h"
#include "room/client.h"
#include "room/life.h"
#include "room/place.h"

#define EVENT_MS 20000
#define PUSH_MS 40000
#define NEXT_MS 5500    /* somebody who waits for an answer; keeps the session alive until the push is due */
#define GONE_MS 700     /* so that it is known that he is gone when the push is judged; else it is put off for ten seconds more */
#define NEAR_MS 6000    /* so near to the deadline it is time to say something */
#define NO_PUSH_MS 1500 /* a push that is due leaves within a second */

static const char *const sentences[LIFE_WORDS] = {
	"I haven't slept properly since the exams began.",
	"I'm glad you wrote. What keeps you awake?",
	"I go through everything that I could fail at.",
	"Some nights I wish I weren't here at all.",
	"Are you there?",
	"I'm here now. Let us talk tomorrow at ten.",
};

/* ---- asking the service ---- */

static const char *ticket_of(const struct life *l, const char *side)
{
	return json_string_value(json_object_get(json_object_get(l->made, "tickets"), side));
}

/* The status; 0 when nobody answered. *out may be NULL; else it is to be json_decref'd. body is taken over. */
static int ask(struct life *l, const char *side, const char *method, const char *part, json_t *body, json_t **out)
{
	char *url = place_path("%s/api/conversations/%s%s", l->base, l->session, part);
	char *bearer = place_path("Authorization: Bearer %s", ticket_of(l, side)), *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct fetch f = {.method = method,
		.url = url,
		.headers = {bearer},
		.body = text,
		.body_len = text ? strlen(text) : 0,
		.this_machine = true,
		.timeout_ms = 10000,
		.max_bytes = 1 << 20};
	struct answer a;
	int status;

	status = fetch_run(&f, &a) == OK ? a.status : 0;
	if (out)
		*out = a.body.data ? json_loadb(a.body.data, a.body.len, 0, NULL) : NULL;
	fetch_answer_done(&a);
	json_decref(body);
	free(text);
	free(bearer);
	free(url);
	return status;
}

static struct listener *open_page(struct life *l, const char *side, const char *last_id)
{
	char *path = place_path("/api/conversations/%s/events", l->session);
	struct listener *page = listener_open(l->port, path, ticket_of(l, side), last_id);

	free(path);
	return page;
}

/* Sends the i-th message; the position's cursor stays in cursor (NULL: nobody needs it). */
static bool send(struct life *l, const char *side, int i, char *cursor, size_t size)
{
	char *content = place_path("%s [%s]", sentences[i], l->marks[i]);
	json_t *message = NULL;
	int status = ask(l, side, "POST", "/messages", json_pack("{s:s}", "content", content), &message);
	json_int_t expires = json_integer_value(json_object_get(message, "expiresAt"));

	if (expires > 0)
		l->deadline_ms = expires;
	l->ids[i] = json_integer_value(json_object_get(message, "id"));
	if (cursor)
		snprintf(cursor, size, "%s", json_string_value(json_object_get(message, "cursor")) ?: "");
	json_decref(message);
	free(content);
	return life_say(l, status == 201, side, "%d  \"%s\"", i + 1, sentences[i]);
}

/* The page shows that message as its n-th, word for word. */
static bool shows(struct life *l, struct listener *page, int n, int i)
{
	char text[400];

	return listener_wait(page, "message:new", n + 1, EVENT_MS, &l->stop) &&
		strstr(listener_text(page, "message:new", n, "content", text, sizeof text), l->marks[i]) == text + strlen(sentences[i]) + 2;
}

/* How many of the messages' words stand in what that part was sent. */
static int words_in(struct life *l, enum played_part part)
{
	int n = 0;

	for (int i = 0; i < LIFE_WORDS; i++)
		n += played_holds(l->played, part, l->marks[i]) > 0;
	return n;
}

/* ---- the steps: false ends the walk ---- */

static bool create(struct life *l)
{
	json_t *body;
	bool good;

	id_new(l->student_id, "anon_");
	id_new(l->counselor_id, "counselor_");
	id_new(l->case_ref, "case_");
	id_new(l->device, "device_");
	for (int i = 0; i < LIFE_WORDS; i++)
		id_hex(l->marks[i], 24);
	body = json_pack("{s:s, s:s, s:s, s:{s:{s:s}}}", "studentAnonymousId", l->student_id, "counselorId", l->counselor_id, "caseRef",
		l->case_ref, "devices", "counselor", "token", l->device);
	good = client_create_session(l->base, true, body, &l->made);
	json_decref(body);
	l->session = json_string_value(json_object_get(l->made, "sessionId"));
	l->deadline_ms = json_integer_value(json_object_get(l->made, "expiresAt"));
	good = good && l->session && ticket_of(l, "student") && ticket_of(l, "counselor");
	return life_say(l, good, "MainServer",
		"opens a session with its token, and has a ticket for each of the two (it lives %d s after the last word)", LIFE_TTL_S);
}

static bool both_come(struct life *l)
{
	l->student = open_page(l, "student", NULL);
	l->counselor = open_page(l, "counselor", NULL);
	return life_say(l,
		l->student && l->counselor && listener_wait(l->student, "ready", 1, EVENT_MS, &l->stop) &&
			listener_wait(l->counselor, "ready", 1, EVENT_MS, &l->stop),
		"both", "open their pages: a stream each");
}

/* Messages 1 and 2, both being there. last: the cursor of the second. */
static bool talk(struct life *l, char *last, size_t size)
{
	return send(l, "student", 0, NULL, 0) && life_say(l, shows(l, l->counselor, 0, 0), "counselor", "sees it at once") &&
		send(l, "counselor", 1, last, size) && life_say(l, shows(l, l->student, 1, 1), "student", "sees it at once") &&
		ask(l, "student", "PUT", "/alive", json_pack("{s:s}", "cursor", last), NULL) == 204;
}

static bool pushed(struct life *l)
{
	return played_count(l->played, PLAYED_FCM) > 0;
}

static bool google_was_told(struct life *l)
{
	json_t *push = played_last(l->played, PLAYED_FCM), *message = json_object_get(push, "message");
	const char *target = json_string_value(json_object_get(message, "token"));
	const char *says = json_string_value(json_object_get(json_object_get(message, "notification"), "body"));
	bool names = played_holds(l->played, PLAYED_FCM, l->session) || played_holds(l->played, PLAYED_FCM, l->student_id) ||
		played_holds(l->played, PLAYED_FCM, l->counselor_id);
	bool good = pushed(l) && target && strcmp(target, l->device) == 0 && !names && words_in(l, PLAYED_FCM) == 0;

	life_say(
		l, good, "Google", "one push to the counselor's device: \"%s\"; no word of theirs in it, no name, no session", says ? says : "");
	json_decref(push);
	return good;
}

static void pause_ms(struct life *l, int ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (!l->stop && clock_mono_ms() < until)
		usleep(20000);
}

/* Where the machine is slow the push comes late: an edit is activity, so the session lives on meanwhile. */
static void keep_alive(struct life *l)
{
	char *content = place_path("%s [%s]", sentences[3], l->marks[3]), *part = place_path("/messages/%lld", (long long)l->ids[3]);
	json_t *message = NULL;
	int status = ask(l, "student", "PATCH", part, json_pack("{s:s}", "content", content), &message);

	l->deadline_ms = json_integer_value(json_object_get(message, "expiresAt"));
	json_decref(message);
	free(content);
	free(part);
	life_say(l, status == 200 && l->deadline_ms > 0, "student", "mends message 4, which keeps the session alive");
}

static void wait_for_push(struct life *l)
{
	int64_t until = clock_mono_ms() + PUSH_MS;

	while (!life_wait(l, pushed, 500) && !l->stop && l->failed == 0 && clock_mono_ms() < until)
		if (clock_now_ms() > l->deadline_ms - NEAR_MS)
			keep_alive(l);
}

/* Messages 3 to 5: the counselor has closed his page. The fifth comes after the push, which must stay the only one. */
static bool away(struct life *l)
{
	char whom[ID_MAX + 1];

	listener_close(l->counselor);
	l->counselor = NULL;
	life_say(l, true, "counselor", "closes the page: away, once ten seconds have passed without coming back");
	pause_ms(l, GONE_MS);
	if (!send(l, "student", 2, NULL, 0))
		return false;
	pause_ms(l, NEXT_MS);
	if (!send(l, "student", 3, NULL, 0))
		return false;
	wait_for_push(l);
	if (!google_was_told(l))
		return false;
	listener_wait(l->student, "user:notified", 1, EVENT_MS, &l->stop);
	listener_text(l->student, "user:notified", 0, "participant", whom, sizeof whom);
	if (!life_say(l, strcmp(whom, l->counselor_id) == 0, "student", "sees that the counselor was notified") ||
		!send(l, "student", 4, NULL, 0))
		return false;
	pause_ms(l, NO_PUSH_MS);
	return life_say(l, played_count(l->played, PLAYED_FCM) == 1, "Google", "no second push: one until the counselor comes");
}

static bool back(struct life *l, const char *last)
{
	bool good;

	l->counselor = open_page(l, "counselor", last);
	good = l->counselor && shows(l, l->counselor, 0, 2) && shows(l, l->counselor, 1, 3) && shows(l, l->counselor, 2, 4);
	return life_say(l, good, "counselor", "is back, and sees all three, in order, each once") && send(l, "counselor", 5, NULL, 0) &&
		life_say(l, shows(l, l->student, 5, 5), "student", "sees it at once");
}

static bool end(struct life *l)
{
	bool good = ask(l, "counselor", "POST", "/end", json_object(), NULL) == 200 &&
		listener_wait(l->student, "session:ended", 1, EVENT_MS, &l->stop);

	return life_say(l, good, "counselor", "ends the session; the student's page says so") &&
		life_say(l, ask(l, "student", "POST", "/messages", json_pack("{s:s}", "content", "one more"), NULL) == 409, "student",
			"can read, and write no more (409)");
}

static bool sum_up(struct life *l)
{
	int status = ask(l, "counselor", "POST", "/summary", json_object(), NULL);
	bool names;

	if (!life_say(l, status == 202 && listener_wait(l->student, "summary:requested", 1, EVENT_MS, &l->stop), "counselor",
			"asks for a summary; the student sees that, too") ||
		!life_say(l, listener_wait(l->counselor, "summary:ready", 1, EVENT_MS, &l->stop), "counselor", "sees that it is ready"))
		return false;
	names = played_holds(l->played, PLAYED_GEMINI, l->session) || played_holds(l->played, PLAYED_GEMINI, l->student_id) ||
		played_holds(l->played, PLAYED_GEMINI, l->counselor_id) || played_holds(l->played, PLAYED_GEMINI, l->case_ref);
	return life_say(l, !names && played_count(l->played, PLAYED_GEMINI) == 1 && words_in(l, PLAYED_GEMINI) == LIFE_WORDS, "Google",
		"Gemini was given the %d messages, because the counselor asked: roles and words, no name, no session, no case", LIFE_WORDS);
}

/* Which of the six a position is; 0: none. */
static int number_of(const struct life *l, json_int_t position)
{
	for (int i = 0; i < LIFE_WORDS; i++)
		if (l->ids[i] == position)
			return i + 1;
	return 0;
}

static bool read_summary(struct life *l, bool later)
{
	json_t *got = NULL, *document, *sign;
	int status = ask(l, "counselor", "GET", "/summary", NULL, &got), rests_on;
	const char *text, *kind;
	bool good;

	document = json_object_get(got, "summary");
	sign = json_array_get(json_object_get(document, "riskSigns"), 0);
	text = json_string_value(json_object_get(document, "summary"));
	kind = json_string_value(json_object_get(sign, "kind"));
	rests_on = number_of(l, json_integer_value(json_array_get(json_object_get(sign, "positions"), 0)));
	good = status == 200 && text && kind && rests_on > 0;
	if (later)
		life_say(l, good, "counselor", "can still read the summary: it is kept, sealed, for the time that was set");
	else if (life_say(l, good, "counselor", "reads it: \"%s\"", text ? text : ""))
		life_say(l, true, "", "with a sign of risk (%s) that rests on message %d", kind, rests_on);
	json_decref(got);
	return good;
}

static bool past_deadline(struct life *l)
{
	return clock_now_ms() > l->deadline_ms + 50;
}

static bool expire(struct life *l)
{
	life_say(l, true, "", "nobody says anything more …");
	life_wait(l, past_deadline, LIFE_TTL_S * 1000 + 2000);
	return life_say(l,
			   listener_wait(l->student, "session:expired", 1, EVENT_MS, &l->stop) &&
				   listener_wait(l->counselor, "session:expired", 1, EVENT_MS, &l->stop),
			   "both", "are told that it expired; their streams end") &&
		life_say(l, ask(l, "student", "GET", "/messages", NULL, NULL) == 410 && ask(l, "counselor", "GET", "/messages", NULL, NULL) == 410,
			"both", "can read nothing of it any more (410)") &&
		read_summary(l, true);
}

void life_walk(struct life *l)
{
	char last[64] = "";
	bool good;

	good = life_say(l, true, "room", "a whole Reading Room of its own is up on %s; Google and MainServer are played here", l->base) &&
		create(l) && both_come(l) && talk(l, last, sizeof last) && away(l) && back(l, last) && end(l) && sum_up(l) &&
		read_summary(l, false) && expire(l);
	if (played_breach(l->played))
		life_say(l, false, "outside", "the contract was broken: %s", played_breach(l->played));
	if (!good && l->failed == 0)
		l->failed++;
}
