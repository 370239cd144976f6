/* Any bytes as the answer of FCM, of Google's token endpoint or of Gemini, with any status. Whatever comes of it is within what the worker is promised, and a
 * summary is never made of positions that the model was not given.
 * Needs: src/outside/fcm.c src/outside/google.c src/outside/gemini_judge.c src/outside/backoff.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "outside/fcm.h"
#include "outside/gemini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct talk_line lines[] = {{1, "student", 0, "a", 1}, {3, "counselor", 0, "b", 1}, {7, "student", 0, "c", 1}};

static void check_document(const char *document)
{
	json_t *d = NULL;
	const json_t *signs;

	if (json_read(&d, document, strlen(document), JSON_DEPTH) != OK || json_object_size(d) != 5)
		abort();
	signs = json_object_get(d, "riskSigns");
	for (size_t i = 0; i < json_array_size(signs); i++) {
		const json_t *positions = json_object_get(json_array_get(signs, i), "positions");
		if (json_array_size(positions) == 0)
			abort();
		for (size_t k = 0; k < json_array_size(positions); k++) {
			json_int_t position = json_integer_value(json_array_get(positions, k));
			if (position != 1 && position != 3 && position != 7)
				abort();
		}
	}
	json_decref(d);
}

static void judge_fcm(const struct answer *a)
{
	struct fcm_result r = fcm_judge(OK, a, 2);

	if (r.why == NULL || r.why[0] == '\0' || (r.verdict == FCM_RETRY_AFTER) != (r.retry_after_ms > 0))
		abort();
	if (r.verdict == FCM_DELIVERED && a->status != 200)
		abort();
}

static void judge_gemini(const struct answer *a)
{
	struct gemini_ask ask = {.lines = lines, .count = 3};
	struct gemini_result r = gemini_judge(OK, a, &ask, 0);

	if (r.why == NULL || (r.verdict == GEMINI_DONE) != (r.document != NULL) || (r.verdict == GEMINI_RETRY) != (r.retry_after_ms > 0))
		abort();
	if (r.document)
		check_document(r.document);
	free(r.document);
}

/* The first byte chooses the status; the rest is the body, and once more what the model wrote. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int statuses[] = {200, 400, 401, 403, 404, 429, 500, 503};
	struct answer a = {.retry_after_ms = -1};
	struct gemini_ask ask = {.lines = lines, .count = 3};
	const char *why;
	char *document;

	if (len == 0)
		return 0;
	a.status = statuses[data[0] % (sizeof statuses / sizeof *statuses)];
	buf_init(&a.body, 1 << 20);
	buf_add(&a.body, data + 1, len - 1);
	judge_fcm(&a);
	judge_gemini(&a);
	document = gemini_document((const char *)data + 1, len - 1, &ask, 0, &why);
	if (document)
		check_document(document);
	free(document);
	buf_done(&a.body);
	return 0;
}
