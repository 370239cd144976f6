/* The parts that are played: what each demands of a request, and what it answers. See played.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/mac.h"
#include "room/place.h"
#include "room/played.h"

#define SCOPE "https://www.googleapis.com/auth/firebase.messaging"
#define GRANT "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="

/* The first demand that is not met is what broke the contract. */
static bool demand(struct played_request *r, bool met, const char *why)
{
	if (!met && !r->why)
		r->why = why;
	return met;
}

static bool header_is(const struct played_request *r, const char *name, const char *want)
{
	char value[4096];

	played_header(r, name, value, sizeof value);
	return strcmp(value, want) == 0;
}

static const char *text_at(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static char *dump(json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	json_decref(answer);
	if (!text)
		abort();
	return text;
}

static json_t *body_of(struct played_request *r)
{
	json_t *body = NULL;
	char type[64];

	played_header(r, "Content-Type", type, sizeof type);
	demand(r, strncmp(type, "application/json", 16) == 0, "a body that is not called JSON");
	demand(r, json_read(&body, r->body, r->body_len, 32) == OK && json_is_object(body), "a body that is no JSON object");
	return body;
}

/* Ours to know, none of Google's business. */
static void demand_discretion(struct played_request *r)
{
	demand(r, header_is(r, "X-Request-Id", "") && header_is(r, "Cookie", ""), "more headers than Google should see");
}

/* ---- the token endpoint ---- */

/* One base64url part of a token as JSON; NULL. */
static json_t *decoded(const char *part, size_t len)
{
	char *text = strndup(part, len), *bytes = malloc(len + 1);
	json_t *json;
	long n;

	if (!text || !bytes)
		abort();
	for (char *c = text; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	n = mac_unbase64(bytes, len, text, len);
	json = n > 0 ? json_loadb(bytes, (size_t)n, 0, NULL) : NULL;
	free(text);
	free(bytes);
	return json;
}

/* RS256 is deterministic: the account's key makes the very same token of the same claims. */
static bool signed_by(const struct played_terms *t, const json_t *claims, const char *assertion)
{
	char *same = jwt_sign_rs256(claims, t->key_pem, strlen(t->key_pem), t->key_id);
	bool good = same && strcmp(same, assertion) == 0;

	free(same);
	return good;
}

static char *oauth(const struct played_terms *t, const char *access_token, struct played_request *r)
{
	size_t grant = strlen(GRANT);
	const char *assertion = r->body_len > grant ? r->body + grant : "", *first = strchr(assertion, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;
	int64_t now_s = clock_now_ms() / 1000, iat, exp;
	json_t *claims = NULL;

	demand(r, header_is(r, "Content-Type", "application/x-www-form-urlencoded"), "a token was not asked for with a form");
	demand(r, strncmp(r->body, GRANT, grant) == 0 && second, "no JWT bearer grant");
	if (!r->why)
		claims = decoded(first + 1, (size_t)(second - first - 1));
	iat = json_integer_value(json_object_get(claims, "iat"));
	exp = json_integer_value(json_object_get(claims, "exp"));
	demand(r, strcmp(text_at(claims, "iss"), t->issuer) == 0 && strcmp(text_at(claims, "scope"), SCOPE) == 0, "claims of somebody else");
	demand(r, llabs(iat - now_s) < 300 && exp > now_s && exp - iat <= 3600, "the assertion's times");
	demand(r, claims && signed_by(t, claims, assertion), "the assertion is not signed by the account");
	json_decref(claims);
	if (r->why)
		return dump(json_pack("{s:s, s:s}", "error", "invalid_grant", "error_description", r->why));
	return dump(json_pack("{s:s, s:i, s:s}", "access_token", access_token, "expires_in", 3599, "token_type", "Bearer"));
}

/* ---- Firebase Cloud Messaging ---- */

static char *google_error(const char *why)
{
	return dump(json_pack("{s:{s:i, s:s, s:s}}", "error", "code", 400, "status", "INVALID_ARGUMENT", "message", why));
}

static char *fcm(const struct played_terms *t, const char *access_token, struct played_request *r)
{
	char *bearer = place_path("Bearer %s", access_token), name[200];
	json_t *body = body_of(r), *message = json_object_get(body, "message"), *notification = json_object_get(message, "notification");

	demand_discretion(r);
	demand(r, header_is(r, "Authorization", bearer), "a push without the token that was given");
	demand(r, json_object_size(body) == 1 && !*text_at(message, "fid") != !*text_at(message, "token"), "a push needs one target");
	demand(r, json_object_size(notification) == 1 && strcmp(text_at(notification, "body"), t->push_text) == 0,
		"a push says more than its sentence");
	demand(r, strcmp(text_at(json_object_get(message, "android"), "priority"), "HIGH") == 0, "a push that may wait");
	demand(r, !json_object_get(message, "data") && r->body_len <= 4096, "a push with data");
	json_decref(body);
	free(bearer);
	if (r->why)
		return google_error(r->why);
	snprintf(name, sizeof name, "projects/%s/messages/1", t->project);
	return dump(json_pack("{s:s}", "name", name));
}

/* ---- Gemini ---- */

/* The quoted material: the one part that is JSON with a conversation. */
static json_t *material_of(const json_t *request)
{
	const json_t *contents = json_object_get(request, "contents");

	for (size_t i = 0; i < json_array_size(contents); i++) {
		const json_t *parts = json_object_get(json_array_get(contents, i), "parts");
		for (size_t k = 0; k < json_array_size(parts); k++) {
			json_t *material = json_loads(text_at(json_array_get(parts, k), "text"), 0, NULL);
			if (json_object_get(material, "conversation"))
				return material;
			json_decref(material);
		}
	}
	return NULL;
}

/* A model that listened, and writes none of their words. The fourth message is the one that a counselor must not miss. */
static char *note_about(const json_t *lines)
{
	json_int_t grave = json_integer_value(json_object_get(json_array_get(lines, 3), "position"));

	return dump(json_pack("{s:s, s:[s], s:[s], s:[{s:s, s:s, s:[I]}], s:[s]}", "summary",
		"The student sleeps badly and fears failing; they will talk again tomorrow.", "concerns", "sleep, and fear of failing", "agreed",
		"to talk tomorrow at ten", "risk_signs", "kind", "self_harm", "sign", "wishes not to be here", "positions", grave, "open_questions",
		"whether somebody is near at night"));
}

static char *gemini(const struct played_terms *t, struct played_request *r)
{
	json_t *body = body_of(r), *material = material_of(body), *lines = json_object_get(material, "conversation");
	const json_t *config = json_object_get(body, "generationConfig");
	char *note, *answer;

	demand_discretion(r);
	demand(r, header_is(r, "x-goog-api-key", t->gemini_key) && header_is(r, "Authorization", ""), "not the key");
	demand(r, json_object_get(body, "systemInstruction") && json_object_get(config, "responseJsonSchema"), "no instruction, or no schema");
	demand(r, strcmp(text_at(config, "responseMimeType"), "application/json") == 0, "an answer that is not to be JSON");
	demand(r, json_array_size(lines) > 3, "too little to sum up");
	note = r->why ? NULL : note_about(lines);
	answer = r->why ? google_error(r->why)
					: dump(json_pack("{s:[{s:{s:s, s:[{s:s}]}, s:s, s:i}], s:s}", "candidates", "content", "role", "model", "parts", "text",
						  note, "finishReason", "STOP", "index", 0, "modelVersion", t->model));
	free(note);
	json_decref(material);
	json_decref(body);
	return answer;
}

/* ---- MainServer ---- */

static char *mainserver(const struct played_terms *t, struct played_request *r)
{
	char stamp[32], given[600];
	unsigned char mac[MAC_BYTES];
	struct buf text, want;
	json_t *body = body_of(r);

	played_header(r, "webhook-id", r->id, sizeof r->id);
	played_header(r, "webhook-timestamp", stamp, sizeof stamp);
	played_header(r, "webhook-signature", given, sizeof given);
	buf_init(&text, r->body_len + 256);
	buf_init(&want, sizeof given);
	buf_printf(&text, "%s.%s.%s", r->id, stamp, r->body);
	mac_sha256(mac, t->webhook_secret, strlen(t->webhook_secret), text.data, text.len);
	BUF_LIT(&want, "v1,");
	mac_base64(&want, mac, sizeof mac);
	demand(r, *r->id && llabs(strtoll(stamp, NULL, 10) - clock_now_ms() / 1000) < 300, "a webhook without id or time");
	demand(r, strcmp(want.data, given) == 0, "a webhook that is not signed");
	demand(r, json_object_size(body) == 3 && json_is_object(json_object_get(body, "data")), "a webhook of another form");
	snprintf(r->type, sizeof r->type, "%s", text_at(body, "type"));
	buf_done(&text);
	buf_done(&want);
	json_decref(body);
	return dump(json_pack("{s:b}", "ok", r->why == NULL));
}

char *parts_answer(const struct played_terms *t, const char *access_token, struct played_request *r)
{
	char *pushes = place_path("POST /v1/projects/%s/messages:send HTTP", t->project);
	char *notes = place_path("POST /v1beta/models/%s:generateContent HTTP", t->model);
	char *answer;

	if (strncmp(r->head, "POST /token HTTP", 16) == 0) {
		r->part = PLAYED_OAUTH;
		answer = oauth(t, access_token, r);
	} else if (strncmp(r->head, pushes, strlen(pushes)) == 0) {
		r->part = PLAYED_FCM;
		answer = fcm(t, access_token, r);
	} else if (strncmp(r->head, notes, strlen(notes)) == 0) {
		r->part = PLAYED_GEMINI;
		answer = gemini(t, r);
	} else if (strncmp(r->head, "POST /webhooks/chat HTTP", 24) == 0) {
		r->part = PLAYED_MAINSERVER;
		answer = mainserver(t, r);
	} else {
		r->part = PLAYED_PARTS;
		r->why = "an address that nobody has";
		answer = google_error(r->why);
	}
	free(pushes);
	free(notes);
	return answer;
}
