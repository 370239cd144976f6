/* A real stream through lighttpd: a session of our own, its first event, and how long a message takes from its acknowledgement to a reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "room/client.h"
#include "room/doctor.h"
#include "room/running.h"
#include "room/secret.h"

#define STREAM_MS 10000
#define READY_WITHIN_MS 2000
#define NEWS_WITHIN_MS 1000

struct watch {
	const char *base, *id, *ticket;
	bool this_machine;
	int64_t asked_ms, ready_ms, sent_ms, news_ms;
	struct buf text;
	int send_status;
};

/* POST (or another method) with a ticket; the status, 0 when there was no answer. */
static int call(const struct watch *w, const char *method, const char *path, const char *ticket, const char *body)
{
	char *url = place_path("%s%s", w->base, path), *bearer = place_path("Authorization: Bearer %s", ticket);
	struct fetch f = {.method = method,
		.url = url,
		.headers = {bearer},
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.this_machine = w->this_machine,
		.ca_file = config_text("ROOM_CA_FILE"),
		.timeout_ms = 5000,
		.max_bytes = 65536};
	struct answer a;
	int status = fetch_run(&f, &a) == OK ? a.status : 0;

	fetch_answer_done(&a);
	free(bearer);
	free(url);
	return status;
}

/* Sends a message as soon as the stream says that it is ready, and stops when the message has come back. */
static bool on_bytes(void *ctx, const char *bytes, size_t len)
{
	struct watch *w = ctx;
	char *path;

	buf_add(&w->text, bytes, len);
	if (!buf_ok(&w->text))
		return false;
	if (!w->ready_ms && strstr(w->text.data, "event: ready\n")) {
		w->ready_ms = clock_mono_ms();
		path = place_path("/api/conversations/%s/messages", w->id);
		w->send_status = call(w, "POST", path, w->ticket, "{\"content\":\"room doctor\"}");
		w->sent_ms = clock_mono_ms();
		free(path);
		return w->send_status == 201;
	}
	if (w->ready_ms && strstr(w->text.data, "event: message:new\n"))
		w->news_ms = clock_mono_ms();
	return !w->news_ms;
}

static void follow(struct patient *p, struct watch *w)
{
	char *url = place_path("%s/api/conversations/%s/events", w->base, w->id), *bearer = place_path("Authorization: Bearer %s", w->ticket);
	struct fetch f = {.url = url,
		.headers = {bearer, "Accept: text/event-stream"},
		.this_machine = w->this_machine,
		.ca_file = config_text("ROOM_CA_FILE"),
		.timeout_ms = STREAM_MS,
		.max_bytes = 65536,
		.on_bytes = on_bytes,
		.ctx = w};
	const char *buffered =
		"something between keeps the stream back: in lighttpd server.stream-response-body must be 2 for it, other proxies must not buffer";
	struct answer a;

	w->asked_ms = clock_mono_ms();
	if (fetch_run(&f, &a) != OK && a.status == 0)
		doctor_report(p, FINDING_BAD, "stream", "is lighttpd running, and the hubs? See the logs", "%s", a.why);
	else if (a.status != 200)
		doctor_report(p, FINDING_BAD, "stream", "see the hubs' log", "it answers %d", a.status);
	else if (!w->ready_ms)
		doctor_report(p, FINDING_BAD, "stream", buffered, "no event within %d ms", STREAM_MS);
	else {
		bool late = w->ready_ms - w->asked_ms > READY_WITHIN_MS;
		doctor_report(p, late ? FINDING_BAD : FINDING_FINE, "stream", late ? buffered : NULL, "first event after %lld ms, HTTP/%s",
			(long long)(w->ready_ms - w->asked_ms), a.http_version == 20 ? "2" : "1.1");
		if (w->send_status != 201)
			doctor_report(p, FINDING_BAD, "message", "see the api's log", "sending answers %d", w->send_status);
		else if (!w->news_ms)
			doctor_report(p, FINDING_BAD, "message", buffered, "acknowledged, but not seen on the stream");
		else
			doctor_report(p, w->news_ms - w->sent_ms > NEWS_WITHIN_MS ? FINDING_BAD : FINDING_FINE, "message",
				w->news_ms - w->sent_ms > NEWS_WITHIN_MS ? buffered : NULL, "on the stream within %lld ms of its acknowledgement",
				(long long)(w->news_ms > w->sent_ms ? w->news_ms - w->sent_ms : 0));
	}
	fetch_answer_done(&a);
	free(bearer);
	free(url);
}

void doctor_stream(struct patient *p)
{
	char *base = running_base(p->running), *path;
	struct watch w = {.base = base, .this_machine = client_is_loopback(base)};
	json_t *body = NULL, *made = NULL;

	buf_init(&w.text, 65536);
	if (!p->running && !*config_text("ROOM_URL")) {
		doctor_report(p, FINDING_SKIPPED, "stream", NULL, "no `room up` is running in %s, and ROOM_URL is unset", p->place.state);
		goto out;
	}
	if (!secret_setup()) {
		doctor_report(p, FINDING_BAD, "secret", "set ROOM_JWT_SECRET, 16 bytes or more", "there is none that can be used");
		goto out;
	}
	body = json_pack("{s:s}", "studentAnonymousId", "room-doctor");
	if (!client_create_session(base, w.this_machine, body, &made)) {
		doctor_report(p, FINDING_BAD, "session", "see the line above, and the api's log", "none could be created at %s", base);
		goto out;
	}
	w.id = json_string_value(json_object_get(made, "sessionId"));
	w.ticket = json_string_value(json_object_get(json_object_get(made, "tickets"), "student"));
	if (w.id && w.ticket) {
		follow(p, &w);
		path = place_path("/api/conversations/%s", w.id);
		if (call(&w, "DELETE", path, w.ticket, NULL) != 204)
			doctor_report(p, FINDING_BAD, "erase", "see the api's log", "the session of this check could not be erased");
		free(path);
	}
out:
	buf_done(&w.text);
	json_decref(body);
	json_decref(made);
	free(base);
}
