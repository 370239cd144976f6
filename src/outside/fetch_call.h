/* One libcurl handle from its options to its verdict: what fetch.c and fetch_pool.c share. Internal to them. */
#ifndef OUTSIDE_FETCH_CALL_H
#define OUTSIDE_FETCH_CALL_H

#include <curl/curl.h>
#include "outside/fetch.h"

struct fetch_call {
	const struct fetch *fetch;
	struct answer *answer;
	CURL *curl;
	struct curl_slist *headers;
	size_t header_bytes;
	bool enough;  /* on_bytes has seen enough */
	bool foreign; /* a connection to another machine was refused */
};

/* Prepares the handle and an empty answer. false: out of memory; fetch_call_close all the same. */
bool fetch_call_open(struct fetch_call *call, const struct fetch *f, struct answer *out);

/* Fills in the answer from what the transfer ended with, and frees the handle. */
enum err fetch_call_close(struct fetch_call *call, CURLcode code);

#endif
