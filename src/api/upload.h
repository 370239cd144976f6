/* An upload from its first byte to a file in its place: what files.c does for sessions and lasting conversations alike. */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "base/media.h"
#include "chat/file.h"
#include "http/exchange.h"
#include "store/vault.h"

/* On the heap: it outlives the exchange's handler, and is gone when the answer is. */
struct upload {
	struct exchange *x;
	enum vault in;
	const char *name; /* as the client gave it, in the exchange's arena; NULL: none */
	char salt[64];    /* of the hash: the conversation's */
	const struct media_type *type;
	struct media_size pixels;
	struct vault_file raw, kept; /* as it came; as it goes on */
	struct file_new file;        /* what there is to know of it */
	struct buf json;             /* file.json */
	const char *details;         /* with an error; NULL: none */
	int retry_after_s;           /* with an error; 0: none */
};

/* Looks at what can be told before the body: name, length, type. OK: *out is a new upload. */
enum err upload_new(struct upload **out, struct exchange *x, enum vault in, const char **details) MUST_CHECK;
void upload_free(struct upload *u); /* what was not kept is gone */

/* Reads the body, judges and strips it, and fills in file and json; the bytes are in kept, under no name yet. Blocks: for a thread of its own.
 * ERR_BAD_REQUEST did not come whole · ERR_BAD_CONTENT malformed · ERR_UNSUPPORTED_TYPE · ERR_TOO_LARGE · ERR_STORE_UNAVAILABLE no room. */
enum err upload_take(struct upload *u) MUST_CHECK;

/* Which requests' bodies are left for us (exchange_leave_bodies). */
bool upload_leaves_body(const struct request *r);

#endif
