/* See quota.h. Called by chat/conversation, chat/membership and api/files_lasting. */
#include "chat/quota.h"

#include "base/clock.h"
#include "base/config.h"
#include "store/rates.h"

static const struct {
	const char *what, *setting, *why;
} rows[] = {
	[QUOTA_CONVERSATIONS] = {"conversations", "ROOM_CONVERSATIONS", "Too many new conversations; wait a little."},
	[QUOTA_INVITES] = {"invites", "ROOM_INVITES", "Too many people brought in; wait a little."},
	[QUOTA_UPLOADS] = {"uploads", "ROOM_UPLOADS", "Too many files; wait a little."},
};

enum err quota_take(struct db *d, const struct ticket *by, enum quota what, int64_t n, struct quota_wait *wait)
{
	int64_t most, seconds, since, count, now = clock_now_ms();
	enum err e;

	*wait = (struct quota_wait){0};
	config_rate(rows[what].setting, &most, &seconds);
	if (by->kind == TICKET_SERVICE || most == 0 || n == 0)
		return OK;
	e = rates_add(d, by->participant, rows[what].what, n, seconds * 1000, now, &since, &count);
	if (e != OK || count - n < most)
		return e;
	*wait = (struct quota_wait){(int)((since + seconds * 1000 - now + 999) / 1000), rows[what].why};
	return ERR_RATE_LIMITED;
}

struct taking {
	const struct ticket *by;
	enum quota what;
	struct quota_wait *wait;
};

static enum err take(struct db *d, void *ctx)
{
	const struct taking *t = ctx;

	return quota_take(d, t->by, t->what, 1, t->wait);
}

enum err quota_take_one(struct db *d, const struct ticket *by, enum quota what, struct quota_wait *wait)
{
	struct taking t = {by, what, wait};

	return db_write(d, take, &t);
}
