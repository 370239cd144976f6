/* What Gemini's answers are worth, pure: see gemini.h. Nothing that the model wrote is believed before it was looked at. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "outside/backoff.h"
#include "outside/gemini.h"
#include "outside/google.h"

enum {
	ANSWER_DEPTH = 32,
	DOCUMENT_MOST = 256 * 1024,
	TEXT_MOST = 8000, /* bytes of one text */
	ITEMS_MOST = 100, /* of one list */
	AGAIN_LEAST_MS = 2000,
	QUOTA_LEAST_MS = 20000,
	RETRY_MOST_MS = 600000,
};

static bool one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* ---- the document ---- */

static bool is_text(const json_t *value, bool may_be_empty)
{
	size_t len = json_string_length(value);

	return json_is_string(value) && len <= TEXT_MOST && (may_be_empty || len > 0);
}

static bool is_texts(const json_t *list)
{
	if (!json_is_array(list) || json_array_size(list) > ITEMS_MOST)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!is_text(json_array_get(list, i), false))
			return false;
	return true;
}

/* The model was given the lines from omitted on; positions ascend. */
static bool was_given(int64_t position, const struct gemini_ask *ask, size_t omitted)
{
	size_t low = omitted, high = ask->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ask->lines[middle].position == position)
			return true;
		if (ask->lines[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* NULL, or what is wrong with a risk sign's positions. A sign that rests on nothing is not shown to a counselor. */
static const char *check_positions(const json_t *positions, const struct gemini_ask *ask, size_t omitted)
{
	if (!json_is_array(positions) || json_array_size(positions) > ITEMS_MOST)
		return "MALFORMED";
	for (size_t i = 0; i < json_array_size(positions); i++) {
		const json_t *position = json_array_get(positions, i);
		if (!json_is_integer(position))
			return "MALFORMED";
		if (!was_given(json_integer_value(position), ask, omitted))
			return "CITATION";
	}
	return json_array_size(positions) > 0 ? NULL : "CITATION";
}

static const char *check_sign(const json_t *sign, const struct gemini_ask *ask, size_t omitted)
{
	static const char *const kinds[] = {"self_harm", "harm_by_others", "harm_to_others", "neglect", "substances", "other", NULL};
	const char *kind = json_string_value(json_object_get(sign, "kind"));

	if (!kind || !one_of(kind, kinds) || !is_text(json_object_get(sign, "sign"), false))
		return "MALFORMED";
	return check_positions(json_object_get(sign, "positions"), ask, omitted);
}

static const char *check_document(const json_t *d, const struct gemini_ask *ask, size_t omitted)
{
	const json_t *signs = json_object_get(d, "risk_signs");
	const char *why = NULL;

	if (!is_text(json_object_get(d, "summary"), false) || !is_texts(json_object_get(d, "concerns")) ||
		!is_texts(json_object_get(d, "agreed")) || !is_texts(json_object_get(d, "open_questions")) || !json_is_array(signs) ||
		json_array_size(signs) > ITEMS_MOST)
		return "MALFORMED";
	for (size_t i = 0; i < json_array_size(signs) && !why; i++)
		why = check_sign(json_array_get(signs, i), ask, omitted);
	return why;
}

/* The known members only, by the names of our contract. */
static char *write_document(const json_t *d, size_t omitted)
{
	const json_t *signs = json_object_get(d, "risk_signs");
	json_t *list = json_array(), *document;
	char *text;

	for (size_t i = 0; i < json_array_size(signs); i++) {
		json_t *sign = json_array_get(signs, i);
		json_array_append_new(list,
			json_pack("{s:O, s:O, s:O}", "kind", json_object_get(sign, "kind"), "sign", json_object_get(sign, "sign"), "positions",
				json_object_get(sign, "positions")));
	}
	document = json_pack("{s:O, s:O, s:O, s:o, s:O}", "summary", json_object_get(d, "summary"), "concerns", json_object_get(d, "concerns"),
		"agreed", json_object_get(d, "agreed"), "riskSigns", list, "openQuestions", json_object_get(d, "open_questions"));
	if (omitted > 0)
		json_object_set_new(document, "omittedMessages", json_integer((json_int_t)omitted));
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	if (!text)
		abort();
	return text;
}

char *gemini_document(const char *text, size_t len, const struct gemini_ask *ask, size_t omitted, const char **why)
{
	json_t *d = NULL;
	char *document = NULL;

	*why = "MALFORMED";
	if (len > DOCUMENT_MOST || json_read(&d, text, len, JSON_DEPTH) != OK)
		return NULL;
	*why = check_document(d, ask, omitted);
	if (!*why)
		document = write_document(d, omitted);
	json_decref(d);
	return document;
}

/* ---- the answer around it ---- */

static struct gemini_result failed(const struct answer *a, const char *why)
{
	return (struct gemini_result){.verdict = GEMINI_FAILED, .status = a->status, .why = why};
}

static struct gemini_result retry(const struct answer *a, int attempt, int64_t least_ms, int64_t asked_ms, const char *why)
{
	int64_t ms = backoff_ms(attempt, least_ms, RETRY_MOST_MS);

	if (asked_ms >= 0)
		ms = asked_ms + backoff_ms(0, 2000, 2000);
	return (struct gemini_result){.verdict = GEMINI_RETRY, .status = a->status, .retry_after_ms = ms, .why = why};
}

/* An answer that is no good: the next may be better, but not for ever. */
static struct gemini_result no_good(const struct answer *a, int attempt, const char *why)
{
	return attempt + 1 >= GEMINI_ATTEMPTS ? failed(a, why) : retry(a, attempt, AGAIN_LEAST_MS, -1, why);
}

/* The text of a candidate: its parts but for the model's thoughts, joined. */
static void text_of(struct buf *out, const json_t *candidate)
{
	const json_t *parts = json_object_get(json_object_get(candidate, "content"), "parts");

	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i), *text = json_object_get(part, "text");
		if (json_is_string(text) && !json_is_true(json_object_get(part, "thought")))
			buf_add(out, json_string_value(text), json_string_length(text));
	}
}

/* NULL when the candidate ended as it should; else its verdict is in *r. */
static bool finished(struct gemini_result *r, const struct answer *a, const json_t *candidate, int attempt)
{
	static const char *const blocked[] = {
		"SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", NULL};
	const char *reason = json_string_value(json_object_get(candidate, "finishReason"));

	if (reason && strcmp(reason, "STOP") == 0)
		return true;
	if (reason && strcmp(reason, "MAX_TOKENS") == 0) /* thinking takes more at one time than at another */
		*r = no_good(a, attempt, "TRUNCATED");
	else if (reason && one_of(reason, blocked))
		*r = failed(a, "BLOCKED");
	else
		*r = failed(a, "UNFINISHED");
	return false;
}

static struct gemini_result judge_candidate(const struct answer *a, const json_t *body, const struct gemini_ask *ask, size_t omitted)
{
	const json_t *candidate = json_array_get(json_object_get(body, "candidates"), 0);
	const char *block = json_string_value(json_object_get(json_object_get(body, "promptFeedback"), "blockReason"));
	struct gemini_result r;
	struct buf text;
	char *document;
	const char *why;

	if (block) /* whichever it is: those of tomorrow too */
		return failed(a, "BLOCKED");
	if (!json_is_object(candidate))
		return no_good(a, ask->attempt, "MALFORMED");
	if (!finished(&r, a, candidate, ask->attempt))
		return r;
	buf_init(&text, DOCUMENT_MOST);
	text_of(&text, candidate);
	document = buf_ok(&text) && text.len > 0 ? gemini_document(text.data, text.len, ask, omitted, &why) : (why = "MALFORMED", NULL);
	buf_done(&text);
	if (!document)
		return no_good(a, ask->attempt, why);
	return (struct gemini_result){.verdict = GEMINI_DONE, .status = a->status, .why = "OK", .document = document};
}

static struct gemini_result judge_good(const struct answer *a, const struct gemini_ask *ask, size_t omitted)
{
	json_t *body = NULL;
	const json_t *usage;
	struct gemini_result r;

	if (!a->body.data || json_read(&body, a->body.data, a->body.len, ANSWER_DEPTH) != OK)
		return no_good(a, ask->attempt, "MALFORMED");
	r = judge_candidate(a, body, ask, omitted);
	usage = json_object_get(body, "usageMetadata");
	r.prompt_tokens = json_integer_value(json_object_get(usage, "promptTokenCount"));
	r.answer_tokens = json_integer_value(json_object_get(usage, "candidatesTokenCount")) +
		json_integer_value(json_object_get(usage, "thoughtsTokenCount"));
	json_decref(body);
	return r;
}

static struct gemini_result judge_refusal(const struct answer *a, int attempt)
{
	struct google_error g;
	struct gemini_result r;
	int64_t asked_ms;

	google_error_read(&g, a);
	asked_ms = google_retry_ms(&g);
	if (a->retry_after_ms > asked_ms)
		asked_ms = a->retry_after_ms;
	if (a->status == 429)
		r = retry(a, attempt, QUOTA_LEAST_MS, asked_ms, "QUOTA");
	else if (a->status == 408 || a->status == 499 || a->status >= 500)
		r = retry(a, attempt, AGAIN_LEAST_MS, asked_ms, "UNAVAILABLE");
	else /* key, model, country, a redirect: nothing that time mends */
		r = failed(a, "CONFIG");
	google_error_done(&g);
	return r;
}

struct gemini_result gemini_judge(enum err e, const struct answer *a, const struct gemini_ask *ask, size_t omitted)
{
	if (e == ERR_BAD_REQUEST)
		return failed(a, "CONFIG");
	if (a->status >= 300)
		return judge_refusal(a, ask->attempt);
	if (a->fault == FETCH_TOO_LONG)
		return no_good(a, ask->attempt, "MALFORMED");
	if (e != OK || a->status < 200)
		return retry(a, ask->attempt, AGAIN_LEAST_MS, a->retry_after_ms, a->fault == FETCH_TIMEOUT ? "TIMEOUT" : "UNAVAILABLE");
	return judge_good(a, ask, omitted);
}
