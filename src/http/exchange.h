/* One HTTP request and its reply, held as long as we like: the parked FastCGI connection (design §5). Only this file's .c knows libfcgi.
 *
 * libfcgi accepts and parses (exchange_accept, blocking, any number of threads); then the exchange owns the socket and libfcgi's buffers are gone.
 * Whoever holds the exchange answers it exactly once: exchange_reply (whole), or as a stream from an event loop:
 * exchange_stream_* below. An exchange may wander between threads, but belongs to one at a time. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/request.h"

struct exchange {
	struct arena arena;
	struct request request;
	struct buf headers; /* extra reply headers ("Name: value\r\n" lines), added with exchange_header */
	int fd;             /* the FastCGI connection, blocking until exchange_stream_begin */
	uint16_t fcgi_id;   /* FastCGI request id */
	int64_t born_ms;    /* clock_mono_ms at accept */
	void *slot;         /* the handler's own, in the arena */
	void *coming;       /* request.body_coming: libfcgi's request, which still has the body to read */
};

/* Once per process, before threads: listens on descriptor 0 (given by whoever started us). Keeps our own SIGTERM handling. */
enum err exchange_setup(void) MUST_CHECK;

/* After exchange_setup, where bursts come (hubs): connections are accepted by a thread of its own and wait here, not in the socket's backlog; and one whose
 * request does not come whole holds up nobody. */
void exchange_accept_ahead(void);

/* Would reading the request on fd block? False: it would. Also true for what is no request, broken off, or too large to be told. Blocks for nothing. */
bool exchange_whole(int fd) MUST_CHECK;

/* Before threads: bodies of the requests that which() chooses (it sees everything but the body) are not read by exchange_accept: request.body_coming. */
void exchange_leave_bodies(bool (*which)(const struct request *r));

/* Reads a body that was left: take(ctx, bytes, len) for each piece as it comes. Blocks for as long as the peer takes, so on a thread of its own. False: it did
 * not come whole (the client went away, or was slower than BODY_LEAST_BYTES_S over the whole and BODY_PAUSE_S at a time), or take said so. Once. */
#define BODY_LEAST_BYTES_S 4096
#define BODY_GRACE_S 30
#define BODY_PAUSE_S 30
bool exchange_body(struct exchange *x, bool (*take)(void *ctx, const char *bytes, size_t len), void *ctx) MUST_CHECK;

/* Waits for the next request and takes it over. NULL only when the process is to end (exchange_shutdown, listening socket gone).
 * Broken requests are dropped inside. The caller frees by answering. */
struct exchange *exchange_accept(void);
void exchange_shutdown(void); /* async-signal-safe: makes exchange_accept return NULL in every thread soon */

/* Waits until every exchange was answered, and its last bytes were taken, or timeout_ms have passed. After exchange_accept returned NULL everywhere. */
void exchange_drain(int timeout_ms);

/* Adds a header to the reply to come. name and value are ours, without CR or LF. */
void exchange_header(struct exchange *x, const char *name, const char *value);

/* Answers with status and, if type is not NULL, a body; always adds X-Request-Id, Cache-Control: no-store, Vary: Origin, X-Content-Type-Options, and whatever exchange_header gathered;
 * writes the FastCGI records with as few system calls as can be (one writev), closes and frees. A HEAD request gets no body.
 * A peer that is gone is no error. Never blocks: what the peer does not take at once is written by a thread of its own, for 2 s at most (http/tail). */
void exchange_reply(struct exchange *x, int status, const char *type, const char *body, size_t body_len);
void exchange_json(struct exchange *x, int status, const struct buf *body); /* application/json; a failed buf answers 500 */
void exchange_empty(struct exchange *x, int status);                        /* no body */

/* Answers with the contract's error body. details may be NULL; retry_after_s 0 = none. */
void exchange_error(struct exchange *x, enum err e, const char *details, int retry_after_s);

/* Streams, for an event loop. begin: makes fd non-blocking and appends the header block (status 200, type, X-Request-Id, no-store,
 * gathered headers) as FastCGI records to out. wrap: appends FCGI_STDOUT record(s) around bytes to out. end: appends the closing records
 * (empty STDOUT and END_REQUEST: without them lighttpd logs an error). Writing out to x->fd, partial writes included, is the loop's business;
 * exchange_free then closes the socket and frees everything. */
void exchange_stream_begin(struct exchange *x, const char *type, struct buf *out);
void exchange_stream_wrap(struct buf *out, uint16_t fcgi_id, const void *bytes, size_t len);
void exchange_stream_end(struct buf *out, uint16_t fcgi_id);
void exchange_free(struct exchange *x);

/* A whole reply that comes in pieces, for a thread of its own: begin (status 200, length known), send, end, then exchange_free. Each blocks for as long as the
 * peer takes, SEND_PAUSE_S at a time at most; false: it is gone. Freed without its end, the reply is cut off, and the client sees that. */
#define SEND_PAUSE_S 30
bool exchange_send_begin(struct exchange *x, const char *type, int64_t length) MUST_CHECK;
bool exchange_send(struct exchange *x, const void *bytes, size_t len) MUST_CHECK;
bool exchange_send_end(struct exchange *x) MUST_CHECK;

/* For a parked stream's memory (6 KB are promised for everything): drops the request's arena, keeping only fd, fcgi_id, request.id and the
 * headers gathered for the reply.
 * Afterwards x->request's strings are NULL. */
void exchange_shed(struct exchange *x);

#endif
