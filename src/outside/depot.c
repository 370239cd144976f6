/* See depot.h. Requests are signed by libcurl (AWS Signature 4), paths are https://store/bucket/name. */
#include "outside/depot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/log.h"
#include "base/mac.h"
#include "outside/fetch.h"
#include "store/vault.h"

enum {
	PUT_MS = 120000,
	GET_MS = 1800000, /* no longer than a slow client may take */
	QUIET_MS = 20000,
	DELETE_MS = 10000,
	ANSWER_MOST = 65536, /* of what it says about a failure */
};

#define SEALED_PIECE (CIPHER_PIECE + CIPHER_MORE)

bool depot_used(void)
{
	return *config_text("ROOM_S3_URL") && *config_text("ROOM_S3_BUCKET") && *config_text("ROOM_S3_KEY") && *config_text("ROOM_S3_SECRET");
}

/* What every request has; the texts live as long as it. */
struct request {
	struct fetch fetch;
	char url[1024], sigv4[128], signer[512], hash[128];
};

static void request_init(struct request *r, const char *method, const char *blob, const void *body, size_t len)
{
	char sum[2 * MAC_BYTES + 1];

	*r = (struct request){.fetch = {.method = method, .max_bytes = ANSWER_MOST, .quiet_ms = QUIET_MS}};
	fetch_outbound(&r->fetch);
	snprintf(r->url, sizeof r->url, "%s/%s/%s", config_text("ROOM_S3_URL"), config_text("ROOM_S3_BUCKET"), blob);
	snprintf(r->sigv4, sizeof r->sigv4, "aws:amz:%s:s3", config_text("ROOM_S3_REGION"));
	snprintf(r->signer, sizeof r->signer, "%s:%s", config_text("ROOM_S3_KEY"), config_text("ROOM_S3_SECRET"));
	mac_sha256_hex(sum, body ? body : "", len);
	snprintf(r->hash, sizeof r->hash, "x-amz-content-sha256: %s", sum);
	r->fetch.url = r->url;
	r->fetch.sigv4 = r->sigv4;
	r->fetch.signer = r->signer;
	r->fetch.headers[0] = r->hash;
	r->fetch.body = body;
	r->fetch.body_len = len;
	r->fetch.body_type = "application/octet-stream";
}

/* Neither names nor keys: what was asked, and what came back. */
static void log_failure(const char *what, const struct answer *a)
{
	log_line(LOG_WARN, "store.failed", "s:what", what, "i:status", (int64_t)a->status, "s:why", a->why, NULL);
}

/* ---- putting ---- */

static bool seal_into(struct vault_file *f, const char *key, const unsigned char *bytes, int64_t size)
{
	unsigned char head[CIPHER_HEAD], *piece = malloc(SEALED_PIECE);
	struct cipher c;
	bool good = piece && cipher_seal_begin(&c, key, head) && vault_write(f, head, sizeof head);

	for (int64_t at = 0; good && at < size; at += CIPHER_PIECE) {
		size_t n = size - at < CIPHER_PIECE ? (size_t)(size - at) : CIPHER_PIECE;
		cipher_seal(&c, piece, bytes + at, n, at + (int64_t)n == size);
		good = vault_write(f, piece, n + CIPHER_MORE);
	}
	free(piece);
	return good;
}

enum err depot_put(const char *blob, const unsigned char *bytes, int64_t size, char key[CIPHER_KEY_TEXT])
{
	enum vault in = vault_folder(VAULT_MEMORY) ? VAULT_MEMORY : VAULT_DISK;
	int64_t sealed = CIPHER_HEAD + size + (size / CIPHER_PIECE + 1) * CIPHER_MORE;
	const unsigned char *body = NULL;
	struct vault_file f;
	struct answer a;
	struct request r;
	enum err e = vault_begin(&f, in, sealed);

	cipher_key(key);
	if (e == OK && seal_into(&f, key, bytes, size))
		body = vault_map(&f);
	if (!body) {
		vault_drop(&f);
		return ERR_STORE_UNAVAILABLE;
	}
	request_init(&r, "PUT", blob, body, (size_t)f.size);
	r.fetch.timeout_ms = PUT_MS;
	e = fetch_run(&r.fetch, &a);
	if (e != OK || a.status / 100 != 2) {
		log_failure("put", &a);
		e = ERR_STORE_UNAVAILABLE;
	}
	fetch_answer_done(&a);
	vault_drop(&f);
	return e;
}

/* ---- getting ---- */

struct opening {
	const struct answer *answer;
	const char *key;
	bool (*take)(void *ctx, const unsigned char *bytes, size_t len);
	void *ctx;
	struct cipher cipher;
	bool headed, whole, wrong, refused;
	size_t have;
	unsigned char sealed[SEALED_PIECE], plain[CIPHER_PIECE];
};

/* The piece that has come, or what is left at the end. False: no more of it is wanted. */
static bool open_piece(struct opening *o)
{
	if (o->have == 0)
		return true;
	o->wrong = o->whole || !cipher_open(&o->cipher, o->plain, o->sealed, o->have, &o->whole);
	if (o->wrong)
		return false;
	o->refused = o->have > CIPHER_MORE && !o->take(o->ctx, o->plain, o->have - CIPHER_MORE);
	o->have = 0;
	return !o->refused;
}

static bool on_bytes(void *ctx, const char *bytes, size_t len)
{
	struct opening *o = ctx;

	if (o->answer->status != 200)
		return true; /* an explanation for nobody */
	while (len > 0) {
		size_t want = (o->headed ? (size_t)SEALED_PIECE : CIPHER_HEAD) - o->have, n = len < want ? len : want;
		memcpy(o->sealed + o->have, bytes, n);
		o->have += n;
		bytes += n;
		len -= n;
		if (n < want)
			break;
		if (o->headed) {
			if (!open_piece(o))
				return false;
		} else {
			o->headed = true;
			o->have = 0;
			o->wrong = !cipher_open_begin(&o->cipher, o->key, o->sealed);
			if (o->wrong)
				return false;
		}
	}
	return true;
}

enum err depot_get(const char *blob, const char *key, bool (*take)(void *ctx, const unsigned char *bytes, size_t len), void *ctx)
{
	struct opening *o = calloc(1, sizeof *o);
	struct answer a;
	struct request r;
	enum err e;

	if (!o)
		abort();
	o->answer = &a;
	o->key = key;
	o->take = take;
	o->ctx = ctx;
	request_init(&r, "GET", blob, NULL, 0);
	r.fetch.timeout_ms = GET_MS;
	r.fetch.on_bytes = on_bytes;
	r.fetch.ctx = o;
	e = fetch_run(&r.fetch, &a);
	if (e == OK && a.status == 200 && !o->wrong && !o->refused)
		open_piece(o); /* the last, a short one */
	if (e != OK)
		e = ERR_STORE_UNAVAILABLE;
	else if (a.status != 200)
		e = a.status == 404 ? ERR_NOT_FOUND : ERR_STORE_UNAVAILABLE;
	else if (o->refused)
		e = ERR_STORE_UNAVAILABLE;
	else if (o->wrong || !o->whole)
		e = ERR_INTERNAL;
	if (e != OK && !o->refused)
		log_failure(e == ERR_INTERNAL ? "open" : "get", &a);
	fetch_answer_done(&a);
	free(o);
	return e;
}

enum err depot_delete(const char *blob)
{
	struct answer a;
	struct request r;
	enum err e;

	request_init(&r, "DELETE", blob, NULL, 0);
	r.fetch.timeout_ms = DELETE_MS;
	e = fetch_run(&r.fetch, &a);
	if (e != OK || (a.status / 100 != 2 && a.status != 404)) {
		log_failure("delete", &a);
		e = ERR_STORE_UNAVAILABLE;
	}
	fetch_answer_done(&a);
	return e;
}
