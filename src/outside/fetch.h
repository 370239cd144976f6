/* One HTTP call and its answer, on libcurl (which only this file's .c knows). Blocks until the answer is whole, or the time is up.
 *
 * HTTPS with the certificate checked; no redirects, no proxies from the environment, no other protocols. Plain HTTP, and certificates
 * that nobody signed, only when the caller says that the peer must be this machine: then a connection to any other is refused. */
#ifndef OUTSIDE_FETCH_H
#define OUTSIDE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"

#define FETCH_HEADERS 8

struct fetch {
	const char *method;                   /* NULL: GET */
	const char *url;
	const char *headers[FETCH_HEADERS];   /* "Name: value", as many as there are */
	const char *body;                     /* sent as application/json; NULL: none */
	size_t body_len;
	const char *ca_file;                  /* NULL or "": the system's */
	bool this_machine;                    /* the peer must be this machine (see above) */
	int timeout_ms;                       /* for all of it */
	size_t max_bytes;                     /* of the answer's body; more is a failure */
	/* When set: is given the body as it comes, instead of the answer; returns false when it has seen enough (which is no failure). */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	void *ctx;
};

struct answer {
	int status;
	int http_version;   /* 11, 20 */
	char type[64];      /* Content-Type, cut */
	struct buf body;
	char why[256];      /* when there was no answer: a sentence */
};

/* OK: there is an answer, whatever its status. ERR_BAD_REQUEST: the address is none we may call. ERR_STORE_UNAVAILABLE: nobody answered in
 * time, or too much. In each case the caller calls answer_done. Once, before threads: fetch_setup. */
void fetch_setup(void);
enum err fetch_run(const struct fetch *f, struct answer *out) MUST_CHECK;
void answer_done(struct answer *a);

#endif
