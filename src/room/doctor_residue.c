/* The search for what should be gone: see residue.h. Files here, Redis in doctor_residue_redis.c. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "room/residue.h"
#include "store/residue.h"

#define CHUNK (1 << 20)
#define TEXT_MOST 65536

/* ---- texts ---- */

static void add_one(struct needles *n, const char *text, size_t len)
{
	if (len == 0)
		return;
	n->text = realloc(n->text, (n->count + 1) * sizeof *n->text);
	n->len = realloc(n->len, (n->count + 1) * sizeof *n->len);
	if (!n->text || !n->len || !(n->text[n->count] = strndup(text, len)))
		abort();
	n->len[n->count++] = len;
	if (len > n->longest)
		n->longest = len;
}

static void add_forms(struct needles *n, const char *text)
{
	struct buf json;

	add_one(n, text, strlen(text));
	buf_init(&json, TEXT_MOST * 6);
	buf_json(&json, text, strlen(text));
	if (buf_ok(&json) && json.len > 2 && (json.len - 2 != strlen(text) || memcmp(json.data + 1, text, json.len - 2) != 0))
		add_one(n, json.data + 1, json.len - 2);
	buf_done(&json);
}

void needles_add(struct needles *n, const char *text)
{
	char *line = NULL;
	size_t room = 0;

	if (strcmp(text, "-") != 0) {
		add_forms(n, text);
		return;
	}
	while (getline(&line, &room, stdin) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		add_forms(n, line);
	}
	free(line);
}

void needles_done(struct needles *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->text[i]);
	free(n->text);
	free(n->len);
	*n = (struct needles){0};
}

bool needles_in(const struct needles *n, const char *bytes, size_t len)
{
	for (size_t i = 0; i < n->count; i++)
		if (memmem(bytes, len, n->text[i], n->len[i]))
			return true;
	return false;
}

/* ---- files ---- */

/* For nftw, which takes no context. */
static struct {
	struct patient *patient;
	const struct needles *needles;
	const char *what, *advice;
	int files, unread, found;
} walk;

/* Chunk by chunk, each beginning with the end of the one before. -1: cannot be read. */
static int search_file(const struct needles *n, const char *path)
{
	char *bytes = malloc(CHUNK + n->longest);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), found = 0;
	size_t kept = 0;
	ssize_t got = 0;

	if (!bytes)
		abort();
	while (fd >= 0 && !found && (got = read(fd, bytes + kept, CHUNK)) > 0) {
		size_t len = kept + (size_t)got;
		found = needles_in(n, bytes, len);
		kept = len < n->longest ? len : n->longest - 1;
		memmove(bytes, bytes + len - kept, kept);
	}
	if (fd >= 0)
		close(fd);
	free(bytes);
	return fd < 0 || got < 0 ? -1 : found;
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	int found;

	(void)ftw;
	if (kind != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	walk.files++;
	found = search_file(walk.needles, path);
	if (found < 0 && access(path, F_OK) == 0)
		walk.unread++;
	if (found > 0) {
		walk.found++;
		doctor_report(walk.patient, FINDING_BAD, walk.what, walk.advice, "in %s", path);
	}
	return 0;
}

static void look_into(struct patient *p, const struct needles *n, const char *what, const char *path, const char *advice)
{
	walk.patient = p;
	walk.needles = n;
	walk.what = what;
	walk.advice = advice;
	walk.files = walk.unread = walk.found = 0;
	if (access(path, F_OK) != 0)
		return;
	nftw(path, visit, 16, FTW_PHYS | FTW_MOUNT);
	if (walk.unread > 0)
		doctor_report(
			p, FINDING_SKIPPED, what, "run this as the user of `room up`, or as root", "%d files of %s cannot be read", walk.unread, path);
	if (walk.found == 0)
		doctor_report(p, FINDING_FINE, what, NULL, "nothing in %d files of %s", walk.files, path);
}

void residue_files(struct patient *p, const struct needles *n, const char *what, const char *path)
{
	look_into(p, n, what, path, "find out who writes this there, then remove it");
}

/* What our programs may leave in a folder that all share, when they are not told otherwise or crash: request bodies, core dumps. */
static void temporary_files(struct patient *p, const struct needles *n, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *path = place_path("%s/%s", folder, entry->d_name);
		bool ours = strncmp(entry->d_name, "lighttpd-upload-", 16) == 0 || strncmp(entry->d_name, "core", 4) == 0;
		if (ours && search_file(n, path) > 0)
			doctor_report(p, FINDING_BAD, "residue in temporary files", "delete it", "in %s", path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* ---- the database ---- */

struct rows {
	struct patient *patient;
	int tables;
	const char *advice;
};

static void found_rows(void *ctx, const char *table, int64_t rows)
{
	struct rows *r = ctx;

	r->tables++;
	doctor_report(r->patient, FINDING_BAD, "residue in SQL", r->advice, "%lld rows of %s", (long long)rows, table);
}

/* Deleted rows, and what was not yet moved from the log. */
static void sqlite_files(struct patient *p, const struct needles *n, const char *file)
{
	char *log = place_path("%s-wal", file);

	residue_files(p, n, "residue in SQLite's file", file);
	residue_files(p, n, "residue in SQLite's log", log);
	free(log);
}

/* The same; but what is long stands there compressed. */
static void postgres_files(struct patient *p, const struct needles *n, struct db *d)
{
	static const char what[] = "residue in PostgreSQL's files",
					  advice[] = "was it ever said in a lasting conversation? VACUUM FULL makes its files anew; its log goes with time";
	char *base, *wal;

	if (residue_folders(d, &base, &wal) != OK) {
		doctor_report(p, FINDING_SKIPPED, what, "run this on its host, as one who may read them", "they are elsewhere, or not to be read");
		return;
	}
	look_into(p, n, what, base, advice);
	look_into(p, n, "residue in PostgreSQL's log", wal, advice);
	doctor_report(p, FINDING_SKIPPED, what, NULL, "values above 2 KB may be compressed there: they were looked for in SQL alone");
	free(base);
	free(wal);
}

static void database(struct patient *p, const struct needles *n)
{
	struct rows r = {
		p, 0, n->count > 0 ? "find out who writes this there, then delete it" : "is the worker running? `room worker --status`"};
	struct db *d = NULL;
	char *file;
	enum err e = db_new(&d, NULL, DB_PATIENCE_MS);

	for (size_t i = 0; e == OK && i < n->count; i++)
		e = residue_find(d, n->text[i], found_rows, &r);
	if (e == OK && n->count == 0)
		e = residue_overdue(d, clock_now_ms(), found_rows, &r);
	if (e != OK)
		doctor_report(p, FINDING_SKIPPED, "residue in SQL", NULL, "the database: %s", d ? db_why(d) : err_row(e)->message);
	else if (r.tables == 0)
		doctor_report(p, FINDING_FINE, "residue in SQL", NULL, "nothing");
	file = d ? residue_file(d) : NULL;
	if (file && n->count > 0)
		sqlite_files(p, n, file);
	else if (e == OK && n->count > 0)
		postgres_files(p, n, d);
	free(file);
	db_free(d);
}

void doctor_residue(struct patient *p, const struct needles *n)
{
	static const char *const temporary[] = {"/tmp", "/var/tmp", "/dev/shm"};

	residue_redis(p, n);
	database(p, n);
	if (n->count == 0)
		return;
	residue_files(p, n, "residue in ROOM_STATE", p->place.state);
	if (strncmp(p->place.files, p->place.state, strlen(p->place.state)) != 0)
		residue_files(p, n, "residue in ROOM_FILES", p->place.files);
	if (strncmp(p->place.scratch, p->place.state, strlen(p->place.state)) != 0)
		residue_files(p, n, "residue in scratch files", p->place.scratch);
	for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++)
		temporary_files(p, n, temporary[i]);
}
