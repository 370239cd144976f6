/* See upload.h. */
#include "api/upload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/config.h"
#include "base/failpoint.h"
#include "base/filename.h"
#include "base/mac.h"

#define MB (INT64_C(1) << 20)
#define JSON_MAX_BYTES 4096

bool upload_leaves_body(const struct request *r)
{
	static const char above[] = "/api/conversations/";
	const char *id = r->path + sizeof above - 1, *slash;

	if (r->body_unbuffered) /* a wrong method, or a path that only lighttpd takes for an upload's: nobody reads it, then */
		return true;
	if (r->method != METHOD_POST || strncmp(r->path, above, sizeof above - 1) != 0)
		return false;
	slash = strchr(id, '/');
	return slash && strcmp(slash, "/files") == 0;
}

enum err upload_new(struct upload **out, struct exchange *x, enum vault in, const char **details)
{
	const struct request *r = &x->request;
	struct upload *u;
	const char *name;

	if (request_query(r, "name", &name) != OK) {
		*details = "name must be UTF-8, percent-encoded, and there once.";
		return ERR_BAD_REQUEST;
	}
	if (r->content_encoding && strcasecmp(r->content_encoding, "identity") != 0) {
		*details = "Files must not be compressed on their way.";
		return ERR_UNSUPPORTED_TYPE;
	}
	if (r->content_length < 1) {
		*details = "The file is empty, or its Content-Length is missing.";
		return ERR_BAD_REQUEST;
	}
	if (r->content_length > config_number("ROOM_FILE_MB") * MB)
		return ERR_TOO_LARGE;
	if (!(u = calloc(1, sizeof *u)))
		abort();
	u->x = x;
	u->in = in;
	u->name = name;
	u->raw.fd = u->kept.fd = -1;
	buf_init(&u->json, JSON_MAX_BYTES);
	*out = u;
	return OK;
}

void upload_free(struct upload *u)
{
	if (!u)
		return;
	vault_drop(&u->raw);
	vault_drop(&u->kept);
	buf_done(&u->json);
	free(u);
}

/* ---- the body ---- */

struct intake {
	struct vault_file *file;
	int64_t most;
	bool full; /* could not be written */
};

static bool write_piece(void *ctx, const char *bytes, size_t len)
{
	struct intake *in = ctx;

	if (in->file->size + (int64_t)len > in->most)
		return false;
	in->full = !vault_write(in->file, bytes, len);
	return !in->full;
}

static enum err receive(struct upload *u)
{
	struct intake in = {.file = &u->raw, .most = u->x->request.content_length};

	if (vault_begin(&u->raw, u->in, in.most) != OK) {
		u->details = "There is no room for files just now.";
		return ERR_STORE_UNAVAILABLE;
	}
	FAILPOINT("file.begun");
	if (exchange_body(u->x, write_piece, &in) && u->raw.size > 0)
		return OK;
	u->details = in.full ? "There is no room for files just now." : "The file did not arrive whole.";
	return in.full ? ERR_STORE_UNAVAILABLE : ERR_BAD_REQUEST;
}

/* ---- what it is ---- */

struct copy {
	struct vault_file *file;
	bool failed;
};

static void write_copy(void *ctx, const void *bytes, size_t len)
{
	struct copy *c = ctx;

	c->failed = c->failed || !vault_write(c->file, bytes, len);
}

/* What must not be handed on stays behind. */
static enum err strip(struct upload *u, const unsigned char *bytes)
{
	struct copy copy = {.file = &u->kept};
	const struct media_sink sink = {write_copy, &copy};

	if (!u->type->strip) {
		u->kept = u->raw;
		u->raw = (struct vault_file){.fd = -1};
		return OK;
	}
	/* Never longer than it came, but for a turned picture's note of that. */
	if (vault_begin(&u->kept, u->in, u->raw.size + 64) != OK) {
		u->details = "There is no room for files just now.";
		return ERR_STORE_UNAVAILABLE;
	}
	if (!u->type->strip(&sink, bytes, (size_t)u->raw.size, &u->pixels)) {
		u->details = "The file is damaged or cut off.";
		return ERR_BAD_CONTENT;
	}
	vault_drop(&u->raw);
	return copy.failed ? ERR_STORE_UNAVAILABLE : OK;
}

static enum err judge(struct upload *u, const unsigned char *bytes)
{
	u->type = media_sniff(bytes, (size_t)u->raw.size);
	if (!u->type || !media_listed(config_text("ROOM_FILE_TYPES"), u->type->word)) {
		u->details = "Files of this type are not taken here.";
		return ERR_UNSUPPORTED_TYPE;
	}
	if (!media_agrees(u->type, u->x->request.content_type)) {
		u->details = "The file is not what its Content-Type says.";
		return ERR_UNSUPPORTED_TYPE;
	}
	return OK;
}

enum err upload_take(struct upload *u)
{
	const unsigned char *bytes = NULL;
	char name[FILENAME_MAX_BYTES + 1];
	enum err e = receive(u);

	FAILPOINT("file.received");
	if (e == OK)
		e = (bytes = vault_map(&u->raw)) ? judge(u, bytes) : ERR_STORE_UNAVAILABLE;
	if (e == OK)
		e = strip(u, bytes);
	if (e == OK)
		e = (bytes = vault_map(&u->kept)) ? OK : ERR_STORE_UNAVAILABLE;
	if (e != OK)
		return e;
	id_new(u->file.id, FILE_ID_PREFIX);
	strcpy(u->file.key, "-");
	u->file.size = u->kept.size;
	mac_blake2b_hex(u->file.hash, u->salt, bytes, (size_t)u->kept.size);
	filename_clean(name, u->name, u->type->endings);
	file_json(&u->json, u->file.id, name, u->type->mime, u->file.size, u->pixels.width, u->pixels.height);
	u->file.json = u->json.data;
	FAILPOINT("file.judged");
	return OK;
}
