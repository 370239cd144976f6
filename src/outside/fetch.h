/* HTTP calls and their answers, on libcurl (which only fetch*.c knows): one with fetch_run, several at once with a pool. Both block until every
 * answer is whole or its time is up.
 *
 * HTTPS from TLS 1.2 with the certificate checked; no redirects, no proxies from the environment, no cookies, no other protocols. Plain HTTP only
 * when the call allows it, and then to loopback only: a connection to any other machine is refused, whatever the name resolved to. */
#ifndef OUTSIDE_FETCH_H
#define OUTSIDE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

#define FETCH_HEADERS 8

/* Everything is borrowed until the call is over. */
struct fetch {
	const char *method; /* NULL: GET, or POST with a body */
	const char *url;
	const char *headers[FETCH_HEADERS]; /* "Name: value", as many as there are; may be secret: never shown or logged */
	const char *body;                   /* NULL: none */
	size_t body_len;
	const char *body_type; /* NULL: application/json */
	const char *sigv4;     /* NULL: none; "aws:amz:<region>:s3": the request is signed (AWS Signature 4) by signer */
	const char *signer;    /* "key:secret" */
	int quiet_ms;          /* 0: no matter; else it ends as FETCH_TIMEOUT when nothing moves for so long */
	const char *ca_file;   /* NULL or "": the system's; else only those */
	const char *proxy;     /* NULL or "": none; never used for plain HTTP */
	bool allow_http;       /* plain HTTP to loopback is fine */
	bool this_machine;     /* the peer must be this machine; then plain HTTP and certificates that nobody signed are fine */
	int timeout_ms;        /* for all of it; > 0 */
	size_t max_bytes;      /* of the answer's body; more is a failure */
	/* When set: is given the body as it comes, instead of the answer; returns false when it has seen enough (which is no failure). */
	bool (*on_bytes)(void *ctx, const char *bytes, size_t len);
	void *ctx;
};

enum fetch_fault {
	FETCH_ANSWERED = 0,
	FETCH_REFUSED,     /* an address that we may not call */
	FETCH_UNREACHABLE, /* no name, no route, nobody listening: nothing was sent */
	FETCH_TLS,         /* no trust: nothing was sent */
	FETCH_TIMEOUT,     /* the peer may have acted */
	FETCH_CUT,         /* ended in the middle; the peer may have acted */
	FETCH_TOO_LONG,    /* status and headers are good, the body went past max_bytes */
	FETCH_BROKEN,      /* out of memory and the like */
};

struct answer {
	enum fetch_fault fault;
	int status;             /* 0: none came. May be set with a fault, too; known when on_bytes is called */
	int http_version;       /* 11, 20 */
	char type[64];          /* Content-Type, cut */
	int64_t retry_after_ms; /* Retry-After, seconds or date; -1: none. At most FETCH_RETRY_AFTER_MOST_MS */
	struct buf body;        /* NUL-terminated when not empty */
	char why[256];          /* with a fault: a sentence, without address, header or body */
};

#define FETCH_RETRY_AFTER_MOST_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Once, before threads. SIGPIPE is ignored from then on. */
void fetch_setup(void);

/* Fills in what the settings say about calls to other services: ca_file, proxy, allow_http. */
void fetch_outbound(struct fetch *f);

/* OK: there is a whole answer, whatever its status. ERR_BAD_REQUEST: FETCH_REFUSED. ERR_STORE_UNAVAILABLE: the other faults but the last,
 * which is ERR_INTERNAL. In each case the caller calls fetch_answer_done. Any thread. */
enum err fetch_run(const struct fetch *f, struct answer *out) MUST_CHECK;
void fetch_answer_done(struct answer *a);

/* Several at once. A pool keeps connections open from one run to the next; one thread at a time. */
struct fetch_job {
	struct fetch fetch;
	struct answer answer; /* of every job after fetch_pool_run: fetch_answer_done it */
	enum err err;         /* as fetch_run's */
};
struct fetch_pool;
struct fetch_pool *fetch_pool_new(int at_once); /* at most that many calls under way */
void fetch_pool_free(struct fetch_pool *p);
/* Runs all n. deadline_ms (clock_mono_ms; 0: none): what is under way then ends as FETCH_TIMEOUT, what had not begun as FETCH_UNREACHABLE. */
void fetch_pool_run(struct fetch_pool *p, struct fetch_job *jobs, size_t n, int64_t deadline_ms);

/* The seam for tests: when set, called instead of the network, by fetch_run and for each job of a pool; fills out after fetch_answer_init. */
extern enum err (*fetch_seam)(const struct fetch *f, struct answer *out);
void fetch_answer_init(struct answer *a, size_t max_bytes);

/* What a Retry-After of len bytes says, in ms from now_ms on; -1: nothing sensible. Pure. */
int64_t fetch_retry_after_ms(const char *value, size_t len, int64_t now_ms);

#endif
