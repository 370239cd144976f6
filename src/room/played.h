/* Everybody whom the service calls, played on loopback for `room life`: Google's token endpoint, Firebase Cloud Messaging, Gemini and MainServer's ear
 * for webhooks. One plain HTTP server with a thread of its own, which holds each request against the documented contract (research: RFC 7523, FCM HTTP
 * v1, generateContent, Standard Webhooks), answers as they would, and keeps what it was sent so that it can be searched. It prints nothing. */
#ifndef ROOM_PLAYED_H
#define ROOM_PLAYED_H

#include <jansson.h>
#include <stdbool.h>

enum played_part { PLAYED_OAUTH, PLAYED_FCM, PLAYED_GEMINI, PLAYED_MAINSERVER, PLAYED_PARTS };

/* What they know. Borrowed until played_stop. */
struct played_terms {
	const char *issuer, *project, *key_id, *key_pem; /* the service account */
	const char *gemini_key, *model;
	const char *webhook_secret; /* as it is, no whsec_ */
	const char *push_text;
};

struct played;

/* NULL with errno when there is no port or thread. */
struct played *played_start(const struct played_terms *terms);
void played_stop(struct played *p);
int played_port(const struct played *p);

/* How many requests it took and answered with 200. */
int played_count(struct played *p, enum played_part part);

/* How many webhooks of that type came, each id counted once. */
int played_told(struct played *p, const char *type);

/* In how many of its requests (address, headers and body) the text stands. */
int played_holds(struct played *p, enum played_part part, const char *text);

/* The body of its last request as JSON, to be json_decref'd; NULL. */
json_t *played_last(struct played *p, enum played_part part);

/* What broke the contract first, a fixed sentence; NULL: nothing did. */
const char *played_breach(struct played *p);

/* ---- between played.c and played_parts.c ---- */

struct played_request {
	enum played_part part;
	char *head; /* request line and headers, each line ended by CR LF */
	char *body; /* NUL-terminated */
	size_t body_len;
	char id[80];     /* of a webhook */
	char type[64];   /* of a webhook */
	const char *why; /* what it breaks; NULL: good */
};

/* The value of a header, cut to fit; "" when there is none. */
void played_header(const struct played_request *r, const char *name, char *out, size_t size);

/* Judges r (part, id, type, why) and makes the answer's body, to be freed. */
char *parts_answer(const struct played_terms *terms, const char *access_token, struct played_request *r);

#endif
