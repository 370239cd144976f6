/* Drives src/outside for tests/worker/outside.test.mjs: one JSON command per line on standard input, one JSON answer per line on standard output.
 *   {"fcm":[{"token"|"fid","ttl","attempt"}]} · {"gemini":[{"lines":[{"position","role","sentAt","content"}],"previous","attempt"}]} ·
 *   {"webhook":[{"id","type","at","data","requestId","attempt"}]} · {"fetch":[{"url","timeout","max"}]} · {"breaker":name} · {"open":true}
 * Settings come from the environment as everywhere; with ROOM_REDIS there are breakers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "outside/breaker.h"
#include "outside/fcm.h"
#include "outside/gemini.h"
#include "outside/mainserver.h"

enum { MOST = 256 };

static struct fcm *fcm;
static struct mainserver *mainserver;
static struct caller caller;
static struct redis *redis;

static const char *text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static int64_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static json_t *result(int verdict, const char *why, int64_t retry_after_ms, int status)
{
	return json_pack("{s:i, s:s, s:I, s:i}", "verdict", verdict, "why", why, "retryAfter", (json_int_t)retry_after_ms, "status", status);
}

static json_t *run_fcm(const json_t *list)
{
	static struct fcm_push pushes[MOST];
	static struct fcm_result results[MOST];
	size_t n = json_array_size(list);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		const json_t *p = json_array_get(list, i);
		bool fid = text(p, "fid") != NULL;
		pushes[i] = (struct fcm_push){.target = text(p, fid ? "fid" : "token"),
			.fid = fid,
			.until_ms = clock_mono_ms() + number(p, "ttl") * 1000 + FCM_WIRE_MS,
			.attempt = (int)number(p, "attempt")};
	}
	fcm_send(fcm, &caller, pushes, results, n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, result((int)results[i].verdict, results[i].why, results[i].retry_after_ms, results[i].status));
	return out;
}

static json_t *run_webhook(const json_t *list)
{
	static struct webhook hooks[MOST];
	static struct webhook_result results[MOST];
	static struct buf bodies[MOST];
	size_t n = json_array_size(list);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		const json_t *h = json_array_get(list, i);
		buf_init(&bodies[i], 65536);
		mainserver_event(&bodies[i], text(h, "type"), number(h, "at"), json_object_get(h, "data"));
		hooks[i] = (struct webhook){.id = text(h, "id"),
			.body = bodies[i].data,
			.body_len = bodies[i].len,
			.request_id = text(h, "requestId"),
			.attempt = (int)number(h, "attempt")};
	}
	mainserver_send(mainserver, &caller, hooks, results, n);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(out, result((int)results[i].verdict, results[i].why, results[i].retry_after_ms, results[i].status));
		buf_done(&bodies[i]);
	}
	return out;
}

static struct talk_line *lines_of(const json_t *list)
{
	struct talk_line *lines = calloc(json_array_size(list) + 1, sizeof *lines);

	if (!lines)
		abort();
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *l = json_array_get(list, i), *content = json_object_get(l, "content");
		lines[i] = (struct talk_line){.position = number(l, "position"),
			.role = text(l, "role"),
			.sent_at_ms = number(l, "sentAt"),
			.content = json_string_value(content),
			.content_len = json_string_length(content)};
	}
	return lines;
}

static json_t *run_gemini(const json_t *list)
{
	static struct gemini_ask asks[MOST];
	static struct gemini_result results[MOST];
	struct talk_line *lines[MOST];
	size_t n = json_array_size(list);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(list, i);
		lines[i] = lines_of(json_object_get(a, "lines"));
		asks[i] = (struct gemini_ask){.lines = lines[i],
			.count = json_array_size(json_object_get(a, "lines")),
			.previous = text(a, "previous"),
			.attempt = (int)number(a, "attempt")};
	}
	gemini_send(&caller, asks, results, n);
	for (size_t i = 0; i < n; i++) {
		json_t *r = result((int)results[i].verdict, results[i].why, results[i].retry_after_ms, results[i].status);
		if (results[i].document)
			json_object_set_new(r, "document", json_string(results[i].document));
		json_array_append_new(out, r);
		free(results[i].document);
		free(lines[i]);
	}
	return out;
}

static json_t *run_fetch(const json_t *list)
{
	static struct fetch_job jobs[MOST];
	size_t n = json_array_size(list);
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++) {
		const json_t *f = json_array_get(list, i);
		jobs[i].fetch =
			(struct fetch){.url = text(f, "url"), .timeout_ms = (int)number(f, "timeout"), .max_bytes = (size_t)number(f, "max")};
		fetch_outbound(&jobs[i].fetch);
	}
	fetch_pool_run(caller.pool, jobs, n, 0);
	for (size_t i = 0; i < n; i++) {
		const struct answer *a = &jobs[i].answer;
		json_array_append_new(out,
			json_pack("{s:i, s:i, s:I, s:I, s:s, s:s}", "fault", (int)a->fault, "status", a->status, "length", (json_int_t)a->body.len,
				"retryAfter", (json_int_t)a->retry_after_ms, "type", a->type, "why", a->why));
		fetch_answer_done(&jobs[i].answer);
	}
	return out;
}

static json_t *look(const char *name)
{
	struct breaker_state s;
	int64_t now_ms;

	if (!breaker_look(redis, name, &s, &now_ms))
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "failures", (json_int_t)s.failures, "openings", (json_int_t)s.openings, "openFor",
		(json_int_t)(s.open_until_ms > now_ms ? s.open_until_ms - now_ms : 0));
}

/* How the settings are taken. */
static json_t *open_all(void)
{
	const char *fcm_why = "", *mainserver_why = "";
	enum err fcm_err = fcm_open(&fcm, &fcm_why), mainserver_err = mainserver_open(&mainserver, &mainserver_why);

	return json_pack("{s:i, s:s, s:i, s:s, s:b}", "fcm", (int)fcm_err, "fcmWhy", fcm_err == ERR_BAD_REQUEST ? fcm_why : "", "mainserver",
		(int)mainserver_err, "mainserverWhy", mainserver_err == ERR_BAD_REQUEST ? mainserver_why : "", "gemini", gemini_on());
}

static json_t *run(const json_t *command)
{
	const json_t *v;

	if ((v = json_object_get(command, "fcm")))
		return run_fcm(v);
	if ((v = json_object_get(command, "webhook")))
		return run_webhook(v);
	if ((v = json_object_get(command, "gemini")))
		return run_gemini(v);
	if ((v = json_object_get(command, "fetch")))
		return run_fetch(v);
	if ((v = json_object_get(command, "breaker")))
		return look(json_string_value(v));
	return open_all();
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	log_init("driver", LOG_ERROR);
	if (config_load() != 0)
		return 2;
	fetch_setup();
	if (*config_text("ROOM_REDIS")) {
		if (redis_new(&redis, config_text("ROOM_REDIS")) != OK)
			return 2;
		redis_start(redis);
	}
	caller_init(&caller, redis);
	while (getline(&line, &size, stdin) > 0) {
		json_t *command = json_loads(line, 0, NULL), *answer = run(command);
		char *json = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
		puts(json);
		fflush(stdout);
		free(json);
		json_decref(answer);
		json_decref(command);
	}
	free(line);
	caller_done(&caller);
	redis_free(redis);
	fcm_close(fcm);
	mainserver_close(mainserver);
	config_done();
	return 0;
}
