/* See file.h. */
#include "chat/file.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "chat/call.h"
#include "store/store.h"

enum { MB = 1 << 20 };

struct pending {
	file_done *done;
	void *ctx;
};

static struct pending *pending_new(file_done *done, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	*p = (struct pending){done, ctx};
	return p;
}

static void finish(struct pending *p, const struct reply *r, void (*read)(struct file_answer *a, const struct reply *r))
{
	struct file_answer a = {0};
	enum err e = call_err(r, &a.retry_after_s);

	if (e == OK && read)
		read(&a, r);
	p->done(p->ctx, e, &a);
	free(p);
}

static void add_bounds(struct args *a, int64_t size)
{
	args_int(a, size);
	args_int(a, config_number("ROOM_FILES_SESSION_MB") * MB);
	args_int(a, FILES_MOST);
	args_int(a, FILES_UNSENT_MOST);
}

/* ---- uploads ---- */

static void read_salt(struct file_answer *a, const struct reply *r)
{
	a->salt = reply_text(reply_at(r, 1), NULL);
}

static void roomed(void *ctx, const struct reply *r)
{
	finish(ctx, r, read_salt);
}

void file_room(const struct ticket *by, int64_t size, file_done *done, void *ctx)
{
	int64_t most, seconds;
	struct args a;

	config_rate("ROOM_UPLOADS", &most, &seconds);
	call_participant(&a, by);
	add_bounds(&a, size);
	args_int(&a, most);
	args_int(&a, seconds * 1000);
	redis_script(store_commands(), "file_room", &a, roomed, pending_new(done, ctx));
}

static void read_blob(struct file_answer *a, const struct reply *r)
{
	snprintf(a->blob, sizeof a->blob, "%s", reply_text(reply_at(r, 1), NULL));
}

static void blobbed(void *ctx, const struct reply *r)
{
	finish(ctx, r, read_blob);
}

void file_put(const struct ticket *by, const struct file_new *f, file_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	add_bounds(&a, f->size);
	args_str(&a, f->id);
	args_str(&a, f->hash);
	args_str(&a, f->key);
	args_str(&a, f->json);
	redis_script(store_commands(), "file_put", &a, blobbed, pending_new(done, ctx));
}

void file_drop(const struct ticket *by, const char *id, file_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	args_str(&a, id);
	redis_script(store_commands(), "file_drop", &a, blobbed, pending_new(done, ctx));
}

/* ---- downloads ---- */

static void read_file(struct file_answer *a, const struct reply *r)
{
	read_blob(a, r);
	snprintf(a->key, sizeof a->key, "%s", reply_text(reply_at(r, 2), NULL));
	a->json = reply_text(reply_at(r, 3), NULL);
}

static void got(void *ctx, const struct reply *r)
{
	finish(ctx, r, read_file);
}

void file_get(const struct ticket *by, const char *id, file_done *done, void *ctx)
{
	struct args a;

	call_participant(&a, by);
	args_str(&a, id);
	redis_script(store_reads(), "file_get", &a, got, pending_new(done, ctx));
}

/* ---- as clients see it ---- */

void file_json(struct buf *b, const char *id, const char *name, const char *type, int64_t size, int64_t width, int64_t height)
{
	buf_printf(b, "{\"id\":\"%s\",\"name\":", id);
	buf_json(b, name, strlen(name));
	buf_printf(b, ",\"type\":\"%s\",\"size\":%lld", type, (long long)size);
	if (width > 0)
		buf_printf(b, ",\"width\":%lld,\"height\":%lld", (long long)width, (long long)height);
	buf_char(b, '}');
}

bool file_id_valid(const char *id)
{
	size_t prefix = sizeof FILE_ID_PREFIX - 1, len = strlen(id);

	return len == prefix + 22 && memcmp(id, FILE_ID_PREFIX, prefix) == 0 && id_valid(id, len) && !strpbrk(id + prefix, "_-");
}
