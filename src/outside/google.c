/* How Google's services say no: see google.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "outside/google.h"

static const char *text_of(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? text : "";
}

void google_error_read(struct google_error *g, const struct answer *a)
{
	*g = (struct google_error){.status = "", .message = ""};
	if (!a->body.data || !buf_ok(&a->body) || json_read(&g->body, a->body.data, a->body.len, JSON_DEPTH) != OK)
		return;
	g->error = json_object_get(g->body, "error");
	g->status = text_of(json_object_get(g->error, "status"));
	g->message = text_of(json_object_get(g->error, "message"));
}

void google_error_done(struct google_error *g)
{
	json_decref(g->body);
	*g = (struct google_error){.status = "", .message = ""};
}

const json_t *google_detail(const struct google_error *g, const char *type, const char *member)
{
	const json_t *details = json_object_get(g->error, "details");

	for (size_t i = 0; i < json_array_size(details); i++) {
		const json_t *detail = json_array_get(details, i);
		const char *is = text_of(json_object_get(detail, "@type"));
		size_t len = strlen(is), want = strlen(type);
		if (len >= want && strcmp(is + len - want, type) == 0)
			return json_object_get(detail, member);
	}
	return NULL;
}

int64_t google_retry_ms(const struct google_error *g)
{
	const char *text = text_of(google_detail(g, "google.rpc.RetryInfo", "retryDelay"));
	char *end = NULL;
	double seconds = strspn(text, "0123456789.") > 0 ? strtod(text, &end) : -1;

	if (!end || strcmp(end, "s") != 0 || !isfinite(seconds) || seconds < 0)
		return -1;
	return seconds * 1000 > (double)FETCH_RETRY_AFTER_MOST_MS ? FETCH_RETRY_AFTER_MOST_MS : (int64_t)ceil(seconds * 1000);
}

const char *google_fault(const struct answer *a)
{
	switch (a->fault) {
	case FETCH_ANSWERED: return "MALFORMED";
	case FETCH_REFUSED: return "ADDRESS";
	case FETCH_UNREACHABLE: return "UNREACHABLE";
	case FETCH_TLS: return "TLS";
	case FETCH_TIMEOUT: return "TIMEOUT";
	case FETCH_CUT: return "CUT";
	case FETCH_TOO_LONG: return "TOO_LONG";
	case FETCH_BROKEN: break;
	}
	return "INTERNAL";
}
