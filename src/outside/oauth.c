/* A service account's access tokens: see oauth.h. The exchange is RFC 7523's, as in research/apis.md §1. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/jwt.h"
#include "outside/backoff.h"
#include "outside/oauth.h"

enum {
	FILE_MOST = 64 * 1024,
	ANSWER_MOST = 64 * 1024,
	TIMEOUT_MS = 10000,
	ASSERTION_S = 3600,      /* what Google allows at most */
	EARLY_MS = 60000,        /* a token is thrown away this long before its end */
	LIFE_MOST_S = 24 * 3600, /* no token is believed to live longer */
	RETRY_LEAST_MS = 2000,
};

struct oauth {
	char *issuer, *key, *key_id, *address, *scope, *project;
	pthread_mutex_t lock; /* held while a token is fetched, so that it is fetched once */
	char token[OAUTH_TOKEN_MAX];
	int64_t token_until_ms; /* clock_now_ms; 0: none */
};

/* ---- the file ---- */

static char *read_file(const char *path, size_t *len_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat about;
	char *text = NULL;
	ssize_t len;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0 && about.st_size <= FILE_MOST &&
		(text = malloc((size_t)about.st_size))) {
		len = read(fd, text, (size_t)about.st_size);
		if (len != about.st_size) {
			free(text);
			text = NULL;
		}
		*len_out = (size_t)about.st_size;
	}
	close(fd);
	return text;
}

static char *member(const json_t *account, const char *name)
{
	const char *text = json_string_value(json_object_get(account, name));

	return text && *text ? strdup(text) : NULL;
}

static bool fit_for_path(const char *project)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-";

	return strspn(project, allowed) == strlen(project) && strlen(project) <= 128 && strcmp(project, ".") != 0 && strcmp(project, "..") != 0;
}

/* Takes over what the account says; NULL, or what is wrong with it. */
static const char *fill(struct oauth *o, const json_t *account)
{
	const char *type = json_string_value(json_object_get(account, "type"));
	json_t *claims;
	char *trial;

	if (!type || strcmp(type, "service_account") != 0)
		return "the file is no service account's key (type)";
	o->issuer = member(account, "client_email");
	o->key = member(account, "private_key");
	o->key_id = member(account, "private_key_id");
	o->address = member(account, "token_uri");
	o->project = member(account, "project_id");
	if (!o->issuer || !o->key || !o->address || !o->project)
		return "the file lacks client_email, private_key, token_uri or project_id";
	if (!fit_for_path(o->project))
		return "the file's project_id is no project id";
	claims = oauth_claims(o->issuer, o->scope, o->address, 0);
	trial = jwt_sign_rs256(claims, o->key, strlen(o->key), o->key_id);
	json_decref(claims);
	if (!trial)
		return "the file's private_key is no RSA key";
	free(trial);
	return NULL;
}

enum err oauth_open(struct oauth **out, const char *path, const char *scope, const char **why)
{
	struct oauth *o = calloc(1, sizeof *o);
	json_t *account = NULL;
	size_t len = 0;
	char *text = read_file(path, &len);

	if (!o)
		abort();
	pthread_mutex_init(&o->lock, NULL);
	o->scope = strdup(scope);
	if (!text)
		*why = "the file can't be read";
	else if (json_read(&account, text, len, JSON_DEPTH) != OK)
		*why = "the file is no JSON";
	else
		*why = fill(o, account);
	json_decref(account);
	if (text)
		explicit_bzero(text, len);
	free(text);
	if (*why) {
		oauth_close(o);
		return ERR_BAD_REQUEST;
	}
	*out = o;
	return OK;
}

void oauth_close(struct oauth *o)
{
	if (!o)
		return;
	if (o->key)
		explicit_bzero(o->key, strlen(o->key));
	free(o->issuer);
	free(o->key);
	free(o->key_id);
	free(o->address);
	free(o->scope);
	free(o->project);
	pthread_mutex_destroy(&o->lock);
	explicit_bzero(o->token, sizeof o->token);
	free(o);
}

const char *oauth_project(const struct oauth *o)
{
	return o->project;
}

/* ---- pure parts ---- */

json_t *oauth_claims(const char *issuer, const char *scope, const char *audience, int64_t now_s)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", issuer, "scope", scope, "aud", audience, "iat", (json_int_t)now_s, "exp",
		(json_int_t)(now_s + ASSERTION_S));
}

/* What goes into an Authorization header: visible ASCII, so nothing that could end the line. */
static bool is_token(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len < OAUTH_TOKEN_MAX;
}

static struct oauth_result later(const struct answer *a, const char *why)
{
	return (struct oauth_result){
		.retry_after_ms = a->retry_after_ms >= 0 ? a->retry_after_ms : backoff_ms(0, RETRY_LEAST_MS, RETRY_LEAST_MS), .why = why};
}

struct oauth_result oauth_judge(enum err e, const struct answer *a, char *out, int64_t *life_s)
{
	json_t *body = NULL;
	const char *token, *type;
	struct oauth_result r;

	if (e == ERR_BAD_REQUEST)
		return (struct oauth_result){.lasting = true, .why = "OAUTH_ADDRESS"};
	if (a->status == 408 || a->status == 429 || a->status >= 500)
		return later(a, "OAUTH_UNAVAILABLE");
	if (a->status >= 300)
		return (struct oauth_result){.lasting = true, .why = "OAUTH_REFUSED"};
	if (e != OK)
		return later(a, a->fault == FETCH_TLS ? "OAUTH_TLS" : a->fault == FETCH_TIMEOUT ? "OAUTH_TIMEOUT" : "OAUTH_UNREACHABLE");
	r = later(a, "OAUTH_MALFORMED");
	if (!a->body.data || json_read(&body, a->body.data, a->body.len, JSON_DEPTH) != OK)
		return r;
	token = json_string_value(json_object_get(body, "access_token"));
	type = json_string_value(json_object_get(body, "token_type"));
	*life_s = json_integer_value(json_object_get(body, "expires_in"));
	if (is_token(token) && type && strcasecmp(type, "Bearer") == 0 && *life_s > 0) {
		snprintf(out, OAUTH_TOKEN_MAX, "%s", token);
		*life_s = *life_s > LIFE_MOST_S ? LIFE_MOST_S : *life_s;
		r = (struct oauth_result){.good = true, .why = "OK"};
	}
	json_decref(body);
	return r;
}

/* ---- the exchange ---- */

/* Fetches a token into o. With the lock held. */
static struct oauth_result fetch_token(struct oauth *o, struct caller *c)
{
	int64_t now_ms = clock_now_ms(), life_s = 0, wait_ms;
	json_t *claims = oauth_claims(o->issuer, o->scope, o->address, now_ms / 1000);
	char *assertion = jwt_sign_rs256(claims, o->key, strlen(o->key), o->key_id);
	struct oauth_result r = {.lasting = true, .why = "OAUTH_KEY"};
	struct fetch_job job = {
		.fetch = {.url = o->address, .body_type = "application/x-www-form-urlencoded", .timeout_ms = TIMEOUT_MS, .max_bytes = ANSWER_MOST}};
	bool passed;
	struct buf form;

	json_decref(claims);
	if (!assertion)
		return r;
	buf_init(&form, 16384);
	/* base64url and dots need no escaping in a form */
	buf_printf(&form, "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&assertion=%s", assertion);
	job.fetch.body = form.data;
	job.fetch.body_len = form.len;
	fetch_outbound(&job.fetch);
	wait_ms = caller_run(c, "oauth", &job, &passed, 1);
	if (passed) {
		r = oauth_judge(job.err, &job.answer, o->token, &life_s);
		if (job.answer.body.data)
			explicit_bzero(job.answer.body.data, job.answer.body.len);
		fetch_answer_done(&job.answer);
	} else {
		r = (struct oauth_result){.retry_after_ms = wait_ms, .why = CALLER_BREAKER};
	}
	o->token_until_ms = r.good ? now_ms + life_s * 1000 : 0;
	if (form.data)
		explicit_bzero(form.data, form.len);
	buf_done(&form);
	free(assertion);
	return r;
}

struct oauth_result oauth_token(struct oauth *o, struct caller *c, char out[OAUTH_TOKEN_MAX])
{
	struct oauth_result r = {.good = true, .why = "OK"};

	pthread_mutex_lock(&o->lock);
	if (o->token_until_ms - EARLY_MS <= clock_now_ms())
		r = fetch_token(o, c);
	if (r.good)
		memcpy(out, o->token, OAUTH_TOKEN_MAX);
	pthread_mutex_unlock(&o->lock);
	return r;
}

void oauth_forget(struct oauth *o, const char *token)
{
	pthread_mutex_lock(&o->lock);
	if (strcmp(o->token, token) == 0)
		o->token_until_ms = 0;
	pthread_mutex_unlock(&o->lock);
}
