/* JSON Web Tokens, HS256 only (and signing with RS256); the only file that includes <jwt.h>. libjwt does the HMAC and its constant-time compare; everything else
 * that a verifier must look at, it does not (research: an empty key accepts anything, exp is ignored, duplicates pass), so it stands here. */
#include <jwt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/jwt.h"
#include "base/jwtcache.h"

#define MAX_KEYS 16
#define MIN_SECRET_BYTES 16
#define SIGNATURE_DIGITS 43 /* 32 bytes in base64url */
#define TOKEN_DEPTH 8
#define MAX_SECONDS (INT64_C(1) << 53)

struct key {
	char *kid; /* NULL: a key without a name */
	char *secret;
	size_t secret_len;
};

struct jwt_keys {
	struct key key[MAX_KEYS];
	size_t count;
	struct jwtcache *cache;
};

/* Where a token's parts are; the text is a NUL-terminated copy. */
struct parts {
	const char *header, *payload, *signature;
	size_t header_len, payload_len, signature_len;
};

static const char why_invalid[] = "The ticket is not valid.";
static const char why_expired[] = "The ticket has expired; ask for a new one.";

/* ---- keys ---- */

static bool kid_taken(const struct jwt_keys *keys, const char *kid, size_t len)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->key[i].kid && strlen(keys->key[i].kid) == len && memcmp(keys->key[i].kid, kid, len) == 0)
			return true;
	return false;
}

static bool kid_valid(const char *kid, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return len >= 1 && len <= 64 && strspn(kid, allowed) >= len;
}

/* Adds one item; NULL, or what is wrong with it. */
static const char *add_key(struct jwt_keys *keys, const char *kid, size_t kid_len, const char *secret, size_t secret_len)
{
	struct key *k = &keys->key[keys->count];

	if (keys->count == MAX_KEYS)
		return "too many secrets";
	if (secret_len < MIN_SECRET_BYTES)
		return "a secret must have at least 16 bytes";
	if (kid && !kid_valid(kid, kid_len))
		return "a key id must be 1 to 64 letters, digits, '.', '_' or '-'";
	if (kid && kid_taken(keys, kid, kid_len))
		return "a key id is there twice";
	k->kid = kid ? strndup(kid, kid_len) : NULL;
	k->secret = strndup(secret, secret_len);
	k->secret_len = secret_len;
	keys->count++;
	if ((kid && !k->kid) || !k->secret)
		return "out of memory";
	return NULL;
}

/* True when spec begins with "kid=" and a secret: then all of it is a list. A lone secret may well end in '=' (base64), or hold a comma. */
static bool is_list(const char *spec)
{
	size_t kid_len = strcspn(spec, "=,");

	return spec[kid_len] == '=' && kid_valid(spec, kid_len) && spec[kid_len + strspn(spec + kid_len, "=")] != '\0';
}

static const char *add_list(struct jwt_keys *keys, const char *spec)
{
	const char *why = NULL;

	for (const char *item = spec; item && !why;) {
		size_t item_len = strcspn(item, ","), kid_len = strcspn(item, "=,");
		if (kid_len == item_len)
			why = "in a list of secrets each must be kid=secret";
		else
			why = add_key(keys, item, kid_len, item + kid_len + 1, item_len - kid_len - 1);
		item = item[item_len] ? item + item_len + 1 : NULL;
	}
	return why;
}

enum err jwt_keys_load(struct jwt_keys **out, const char *spec, const char **why)
{
	struct jwt_keys *keys = calloc(1, sizeof *keys);
	const char *reason = NULL;

	if (!keys || !(keys->cache = jwtcache_new()))
		reason = "out of memory";
	else if (is_list(spec))
		reason = add_list(keys, spec);
	else
		reason = add_key(keys, NULL, 0, spec, strlen(spec));
	if (reason) {
		jwt_keys_free(keys);
		if (why)
			*why = reason;
		return ERR_BAD_REQUEST;
	}
	*out = keys;
	return OK;
}

void jwt_keys_forgetful(struct jwt_keys *keys)
{
	jwtcache_free(keys->cache);
	keys->cache = NULL;
}

void jwt_keys_free(struct jwt_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->key[i].secret)
			explicit_bzero(keys->key[i].secret, keys->key[i].secret_len);
		free(keys->key[i].secret);
		free(keys->key[i].kid);
	}
	jwtcache_free(keys->cache);
	free(keys);
}

/* ---- form ---- */

static int digit_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Canonical base64url without padding, so that one token has one spelling: the bits of the last digit that carry nothing are zero.
 * Writes len * 3 / 4 bytes to out; -1 when the text is anything else. */
static long decode(char *out, const char *text, size_t len)
{
	unsigned long bits = 0;
	int have = 0;
	long n = 0;

	if (len == 0 || len % 4 == 1)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int value = digit_value((unsigned char)text[i]);
		if (value < 0)
			return -1;
		bits = (bits << 6 | (unsigned)value) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	return (bits & ((1UL << have) - 1)) == 0 ? n : -1;
}

static bool split(struct parts *p, const char *token, size_t len)
{
	const char *first = memchr(token, '.', len), *second, *end = token + len;

	if (!first || !(second = memchr(first + 1, '.', (size_t)(end - first - 1))))
		return false;
	*p = (struct parts){.header = token, .payload = first + 1, .signature = second + 1};
	p->header_len = (size_t)(first - token);
	p->payload_len = (size_t)(second - first - 1);
	p->signature_len = (size_t)(end - second - 1);
	return p->signature_len == SIGNATURE_DIGITS; /* a third dot is no digit and fails in decode */
}

/* The object that a part spells; NULL when it is none. scratch holds JWT_MAX_BYTES. */
static json_t *part_object(char *scratch, const char *text, size_t len)
{
	long n = decode(scratch, text, len);
	json_t *value;

	if (n < 0 || json_read(&value, scratch, (size_t)n, TOKEN_DEPTH) != OK)
		return NULL;
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

/* Members that would change what a token means (RFC 7515 §4.1, RFC 7797) or where its key comes from: refused, never looked at. */
static bool header_plain(const json_t *header)
{
	static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "enc", "cty"};
	const json_t *typ = json_object_get(header, "typ");
	const char *alg = json_string_value(json_object_get(header, "alg"));

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_object_get(header, refused[i]))
			return false;
	if (typ && (!json_is_string(typ) || strcasecmp(json_string_value(typ), "JWT") != 0))
		return false;
	return alg && strcmp(alg, "HS256") == 0;
}

/* ---- signature ---- */

static bool signed_with(const struct key *k, const char *token)
{
	jwt_t *jwt = NULL;
	bool good;

	if (k->secret_len < MIN_SECRET_BYTES) /* libjwt takes an empty key for "do not verify" */
		return false;
	good = jwt_decode(&jwt, token, (const unsigned char *)k->secret, (int)k->secret_len) == 0 && jwt_get_alg(jwt) == JWT_ALG_HS256;
	jwt_free(jwt);
	return good;
}

/* A kid names its key; without one every secret is tried, so that secrets can be exchanged while tokens are out. */
static bool signature_good(const struct jwt_keys *keys, const json_t *header, const char *token)
{
	const json_t *kid = json_object_get(header, "kid");
	bool good = false;

	if (kid && !json_is_string(kid))
		return false;
	for (size_t i = 0; i < keys->count; i++) {
		const struct key *k = &keys->key[i];
		if (!kid || (k->kid && strcmp(k->kid, json_string_value(kid)) == 0))
			good |= signed_with(k, token);
	}
	return good;
}

/* ---- times ---- */

static enum err times_ok(const struct jwt_times *t, const char **why)
{
	int64_t now_ms = clock_now_ms();

	if (t->exp_s * 1000 <= now_ms) {
		*why = why_expired;
		return ERR_TICKET_EXPIRED;
	}
	if (t->exp_s * 1000 > now_ms + JWT_MAX_AHEAD_S * INT64_C(1000)) {
		*why = t->exp_s >= INT64_C(100000000000) ? "The ticket's exp must be in seconds; this one looks like milliseconds."
												 : "The ticket's exp is more than 25 hours ahead.";
		return ERR_UNAUTHENTICATED;
	}
	if (t->from_s > 0 && t->from_s * 1000 > now_ms + JWT_SKEW_S * INT64_C(1000)) {
		*why = "The ticket is not valid yet (nbf or iat).";
		return ERR_UNAUTHENTICATED;
	}
	return OK;
}

/* An integer within what ms can hold. Absent is fine unless needed. */
static bool seconds(int64_t *out, const json_t *claims, const char *name, bool needed)
{
	const json_t *value = json_object_get(claims, name);

	if (!value)
		return !needed;
	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= 0 && *out <= MAX_SECONDS / 1000;
}

static enum err read_times(struct jwt_times *t, const json_t *claims, const char **why)
{
	int64_t nbf = 0, iat = 0;

	*t = (struct jwt_times){0};
	if (!seconds(&t->exp_s, claims, "exp", true)) {
		*why = "The ticket's exp must be there, as a whole number of seconds.";
		return ERR_UNAUTHENTICATED;
	}
	if (!seconds(&nbf, claims, "nbf", false) || !seconds(&iat, claims, "iat", false)) {
		*why = "The ticket's nbf and iat must be whole numbers of seconds.";
		return ERR_UNAUTHENTICATED;
	}
	t->from_s = nbf > iat ? nbf : iat;
	return OK;
}

/* ---- verify, sign ---- */

static enum err verify_afresh(
	json_t **claims_out, struct jwt_times *times, const struct jwt_keys *keys, const char *token, size_t len, const char **why)
{
	char text[JWT_MAX_BYTES + 1], scratch[JWT_MAX_BYTES];
	json_t *header = NULL, *claims = NULL;
	struct parts p;
	enum err e = ERR_UNAUTHENTICATED;

	*why = why_invalid;
	memcpy(text, token, len);
	text[len] = '\0';
	if (!split(&p, text, len) || decode(scratch, p.signature, p.signature_len) < 0)
		goto out;
	header = part_object(scratch, p.header, p.header_len);
	claims = part_object(scratch, p.payload, p.payload_len);
	if (!header || !claims || !header_plain(header) || !signature_good(keys, header, text))
		goto out;
	e = read_times(times, claims, why);
	if (e == OK)
		e = times_ok(times, why);
	if (e == OK)
		*claims_out = json_incref(claims);
out:
	json_decref(header);
	json_decref(claims);
	return e;
}

enum err jwt_verify(json_t **claims_out, const struct jwt_keys *keys, const char *token, size_t len, const char **why)
{
	const char *reason = why_invalid;
	struct jwt_times times;
	json_t *claims = NULL;
	enum err e;

	if (len == 0 || len > JWT_MAX_BYTES) {
		e = ERR_UNAUTHENTICATED;
	} else if (keys->cache && jwtcache_get(keys->cache, token, len, &claims, &times)) {
		e = times_ok(&times, &reason);
		if (e != OK)
			jwtcache_drop(keys->cache, token, len);
	} else {
		e = verify_afresh(&claims, &times, keys, token, len, &reason);
		if (e == OK && keys->cache)
			jwtcache_put(keys->cache, token, len, claims, &times);
	}
	if (e == OK)
		*claims_out = json_incref(claims);
	else if (why)
		*why = reason;
	json_decref(claims);
	return e;
}

char *jwt_sign(const struct jwt_keys *keys, const json_t *claims)
{
	const struct key *k = &keys->key[0];
	char *json = json_dumps(claims, JSON_COMPACT), *token = NULL;
	jwt_t *jwt = NULL;

	if (json && jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, json) == 0 && (!k->kid || jwt_add_header(jwt, "kid", k->kid) == 0) &&
		jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)k->secret, (int)k->secret_len) == 0)
		token = jwt_encode_str(jwt);
	jwt_free(jwt);
	free(json);
	return token;
}

char *jwt_sign_rs256(const json_t *claims, const char *pem, size_t len, const char *kid)
{
	char *json = json_dumps(claims, JSON_COMPACT), *token = NULL;
	jwt_t *jwt = NULL;

	if (json && len > 0 && jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, json) == 0 && (!kid || jwt_add_header(jwt, "kid", kid) == 0) &&
		jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)pem, (int)len) == 0)
		token = jwt_encode_str(jwt);
	jwt_free(jwt);
	free(json);
	return token;
}
