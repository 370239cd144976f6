/* Google's OAuth2 for services: the key file of a service account, and the access token that it buys (RFC 7523, RS256).
 *
 * The token stays in this process's memory until just before it ends, and nowhere else: it is a bearer secret, a worker's life is 70 s and a
 * new one costs one call, so a copy in Redis would gain little. Any thread; fetching blocks, the others wait for it. */
#ifndef OUTSIDE_OAUTH_H
#define OUTSIDE_OAUTH_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "outside/caller.h"

#define OAUTH_TOKEN_MAX 4096
#define OAUTH_FCM_SCOPE "https://www.googleapis.com/auth/firebase.messaging"

struct oauth;

/* Reads the file. ERR_BAD_REQUEST with a static reason in *why: unreadable, no service account, a key that does not sign. */
enum err oauth_open(struct oauth **out, const char *path, const char *scope, const char **why) MUST_CHECK;
void oauth_close(struct oauth *o);
const char *oauth_project(const struct oauth *o); /* fit for a path: [A-Za-z0-9.:_-] */

struct oauth_result {
	bool good;
	bool lasting;           /* not good: trying again won't help before somebody mends the settings */
	int64_t retry_after_ms; /* not good, not lasting */
	const char *why;        /* a fixed word */
};

/* Copies a token that is good for a minute at least into out. */
struct oauth_result oauth_token(struct oauth *o, struct caller *c, char out[OAUTH_TOKEN_MAX]);

/* This token was refused (401): the next call gets another. */
void oauth_forget(struct oauth *o, const char *token);

/* ---- pure parts ---- */

/* The claims of an assertion made at now_s. */
json_t *oauth_claims(const char *issuer, const char *scope, const char *audience, int64_t now_s);
/* Reads the endpoint's answer: token into out (OAUTH_TOKEN_MAX) and its life in seconds. */
struct oauth_result oauth_judge(enum err e, const struct answer *a, char *out, int64_t *life_s);

#endif
