/* How Google's services say no: {"error":{"code","message","status","details":[{"@type",…}]}}. Shared by fcm and gemini; pure. */
#ifndef OUTSIDE_GOOGLE_H
#define OUTSIDE_GOOGLE_H

#include <jansson.h>
#include <stdbool.h>
#include "outside/fetch.h"

struct google_error {
	json_t *body;        /* owned; NULL when it was no such JSON (HTML from a proxy, say) */
	const json_t *error; /* borrowed from body, as are the texts */
	const char *status;  /* "UNAVAILABLE"; "" none */
	const char *message; /* "" none */
};

void google_error_read(struct google_error *g, const struct answer *a);
void google_error_done(struct google_error *g);

/* The member of the first detail whose @type ends in type ("google.rpc.RetryInfo"); NULL: none. */
const json_t *google_detail(const struct google_error *g, const char *type, const char *member);

/* What RetryInfo says ("51820.6s"), in ms; -1: nothing. */
int64_t google_retry_ms(const struct google_error *g);

/* The fixed word for a call without a whole answer. */
const char *google_fault(const struct answer *a);

#endif
