/* The job `files`: bytes that nobody needs any more go, and what those leave behind who die over an upload. Each store is asked what it still knows: Redis for
 * sessions' files, which lie in memory here or sealed in a store outside; SQL for all others. */
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "chat/file.h"
#include "outside/depot.h"
#include "store/ask.h"
#include "store/files.h"
#include "store/keys.h"
#include "store/vault.h"
#include "worker/jobs.h"

enum {
	EACH_MS = 5000,     /* folders are looked through this often */
	STRAY_MS = 60000,   /* an upload makes its file known long before */
	COMING_MS = 600000, /* bytes on their way to a store may take so long */
	DISK_MS = 3600000,  /* the whole disk is looked through this often, and what is younger is let be */
	STORE_AGAIN_MS = 5000,
	LATER_MOST_MS = 900000,
	FAILED_MOST = 5,
	SCRUB_MS = 3000,
	BATCH = 100,
};

struct files {
	struct worker *w;
	int64_t look_ms, disk_ms, scrub_ms; /* clock_mono_ms: not before */
	enum err err;
};

/* ---- sessions ---- */

/* What the session still needs, after it has forgotten what was never sent; *over: it is no more. */
static enum err ask_session(struct worker *w, const char *conversation, const struct told **needed, bool *over)
{
	const struct told *t = NULL;
	struct args a;
	enum err e;

	args_init(&a);
	keys_conversation(&a, conversation);
	args_int(&a, clock_now_ms() - FILES_UNSENT_MS);
	e = ask_script(w->redis, &w->arena, "file_sweep", &a, &t);
	*over = e == ERR_NOT_FOUND || e == ERR_GONE;
	*needed = e == OK ? told_at(t, 1) : NULL;
	if (e == OK)
		worker_count(w, "unsent", told_int(told_at(t, 2)));
	return *over ? OK : e;
}

static bool is_among(const struct told *list, const char *id)
{
	for (size_t i = 0; i < told_count(list); i++)
		if (strcmp(told_text(told_at(list, i)), id) == 0)
			return true;
	return false;
}

struct folder {
	struct worker *w;
	const char *conversation;
	const struct told *needed;
};

static void look_at_file(void *ctx, const char *id, int64_t changed_at)
{
	const struct folder *f = ctx;

	if (!is_among(f->needed, id) && clock_now_ms() - changed_at > STRAY_MS && vault_remove(VAULT_MEMORY, f->conversation, id))
		worker_count(f->w, "removed", 1);
}

static void look_at_folder(void *ctx, const char *conversation)
{
	struct files *f = ctx;
	struct folder folder = {.w = f->w, .conversation = conversation};
	bool over = false;
	enum err e = worker_ending(f->w) ? OK : ask_session(f->w, conversation, &folder.needed, &over);

	if (e != OK)
		f->err = e;
	else if (over && vault_remove_all(VAULT_MEMORY, conversation))
		worker_count(f->w, "removed", 1);
	else if (folder.needed)
		vault_each_file(VAULT_MEMORY, conversation, look_at_file, &folder);
}

/* What the store outside keeps for sessions. */
static enum err look_at_row(struct worker *w, const struct file_row *row, int64_t now)
{
	const struct told *needed;
	bool over;
	enum err e = ask_session(w, row->conversation, &needed, &over);

	if (e == OK && (over || (!is_among(needed, row->blob) && row->at < now - COMING_MS)))
		e = files_mark_gone(w->db, row->id, now);
	return e;
}

static enum err sessions_outside(struct worker *w)
{
	const char *after = "";
	enum err e = OK;
	int n = BATCH;

	while (e == OK && n == BATCH && !worker_ending(w)) {
		struct file_row *rows;
		e = files_of_sessions(w->db, &w->arena, after, BATCH, &rows, &n);
		for (int i = 0; e == OK && i < n; i++) {
			e = look_at_row(w, &rows[i], clock_now_ms());
			after = rows[i].id;
		}
	}
	return e;
}

/* ---- all others ---- */

/* The store may be another than the one that is set, or none: what lies there waits until it can be asked. */
static enum err remove_bytes(const struct file_gone *g)
{
	bool good = g->row.session || vault_remove(VAULT_DISK, g->row.conversation, g->row.blob);
	enum err e = depot_used() ? depot_delete(g->row.blob) : g->row.outside ? ERR_STORE_UNAVAILABLE : OK;

	return good ? e : ERR_STORE_UNAVAILABLE;
}

/* Its next try: the first follows soon, and each later one after twice as long. */
static enum err put_off(struct worker *w, const struct file_gone *g)
{
	int64_t pause_ms = g->tries == 0 ? 0 : g->tries < 12 ? (int64_t)STORE_AGAIN_MS << (g->tries - 1) : LATER_MOST_MS;

	worker_count(w, "stuck", 1);
	return files_put_off(w->db, g->row.id, clock_now_ms() + (pause_ms < LATER_MOST_MS ? pause_ms : LATER_MOST_MS));
}

/* Those whose bytes are gone come first in the list then, *done of them. One that stays keeps no other from going; several one after the other are a store that is away. */
static enum err remove_all(struct worker *w, struct file_gone *gone, int n, int *done)
{
	int failed = 0;
	enum err e = OK;

	*done = 0;
	for (int i = 0; e == OK && i < n && failed < FAILED_MOST && !worker_ending(w); i++) {
		if (gone[i].needed || remove_bytes(&gone[i]) == OK) {
			gone[(*done)++] = gone[i];
			failed = 0;
			continue;
		}
		failed++;
		w->pause_ms = STORE_AGAIN_MS;
		e = put_off(w, &gone[i]);
	}
	return e;
}

/* First the bytes; then what the rows said must be off the database's disk, too; then the rows. Each step again, if somebody died before the next. */
static enum err remove_gone(struct files *f)
{
	struct worker *w = f->w;
	struct file_gone *gone;
	int n, done = 0;
	enum err e = files_gone(w->db, &w->arena, clock_now_ms(), BATCH, &gone, &n);

	if (e == OK)
		e = remove_all(w, gone, n, &done);
	if (e != OK || done == 0 || (clock_mono_ms() < f->scrub_ms && !w->once))
		return e;
	FAILPOINT("files.removed");
	f->scrub_ms = clock_mono_ms() + SCRUB_MS;
	if (db_scrub(w->db, "files") != OK) /* a reader is in the way: again soon */
		return OK;
	for (int i = 0; e == OK && i < done; i++) {
		e = files_forget(w->db, gone[i].row.id);
		worker_count(w, "removed", !gone[i].needed);
	}
	w->more |= e == OK && n == BATCH;
	return e;
}

static void look_on_disk(void *ctx, const char *id, int64_t changed_at)
{
	struct folder *f = ctx;
	bool known = true;

	if (clock_now_ms() - changed_at > DISK_MS && files_known(f->w->db, id, &known) == OK && !known &&
		vault_remove(VAULT_DISK, f->conversation, id))
		worker_count(f->w, "removed", 1);
}

static void look_at_disk_folder(void *ctx, const char *conversation)
{
	struct files *f = ctx;
	struct folder folder = {.w = f->w, .conversation = conversation};

	if (!worker_ending(f->w))
		vault_each_file(VAULT_DISK, conversation, look_on_disk, &folder);
}

/* ---- the job ---- */

static enum err look_through(struct files *f)
{
	struct worker *w = f->w;
	int64_t now = clock_now_ms(), expired = 0;
	enum err e;

	f->err = OK;
	worker_count(w, "removed", vault_sweep(VAULT_MEMORY) + vault_sweep(VAULT_DISK));
	vault_each(VAULT_MEMORY, look_at_folder, f);
	e = files_expire(w->db, now - FILES_UNSENT_MS, now - COMING_MS, now, &expired);
	worker_count(w, "unsent", expired);
	if (e == OK)
		e = sessions_outside(w);
	return e != OK ? e : f->err;
}

static enum err run(struct worker *w)
{
	struct files *f = w->own;
	enum err e = OK, removed;

	f->w = w;
	if (clock_mono_ms() >= f->look_ms) {
		f->look_ms = clock_mono_ms() + EACH_MS;
		e = look_through(f);
	}
	if (clock_mono_ms() >= f->disk_ms) {
		f->disk_ms = clock_mono_ms() + DISK_MS;
		vault_each(VAULT_DISK, look_at_disk_folder, f);
	}
	removed = remove_gone(f);
	return e != OK ? e : removed;
}

const struct job job_files = {.name = "files",
	.help = "files that were deleted, erased or never sent: their bytes go",
	.own_bytes = sizeof(struct files),
	.run = run};
