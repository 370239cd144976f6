/* The sweep: what was committed a while ago and is still in the outbox is told again, whoever left it there; and the rows of what was told go, when no transaction
 * took them along. See announce.h. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "chat/announce.h"
#include "chat/spent.h"
#include "store/dbpool.h"
#include "store/outbox.h"

#define SWEEP_MS 1000
#define FLUSH_MS 250
#define OLD_MS 1000    /* rows of this age were forgotten by somebody */
#define AHEAD_MS 5000  /* another machine's clock may be so far ahead */
#define SWEPT_MOST 200 /* conversations a time */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	pthread_t thread;
	bool open, closing, busy, more;
} sweep = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static enum err write_spent(struct db *d, void *ctx)
{
	return spent_write(d, ctx);
}

static void sweep_once(struct db *d, void *ctx)
{
	bool look = ctx != NULL;
	struct spent *gone;
	struct arena a;
	const char **ids;
	int count = 0;
	int64_t now = clock_now_ms();

	arena_init(&a);
	while (d && (gone = spent_take()) != NULL) {
		enum err e = db_write(d, write_spent, gone);
		spent_written(gone, e == OK);
		if (e != OK)
			break;
	}
	if (d && look && outbox_waiting(d, &a, now - OLD_MS, now + AHEAD_MS, SWEPT_MOST, &ids, &count) == OK)
		for (int i = 0; i < count; i++)
			announce(ids[i]);
	arena_done(&a);
	pthread_mutex_lock(&sweep.lock);
	sweep.busy = false;
	sweep.more = count == SWEPT_MOST;
	pthread_mutex_unlock(&sweep.lock);
}

/* Sweeps again when that is due, or what was told waits to be deleted. Locked. */
static void wake_up(int64_t now, int64_t *next)
{
	static int nothing;
	bool look = (now >= *next || sweep.more) && announce_possible();

	if (sweep.busy || (!look && !spent_waiting()))
		return;
	if (look) {
		*next = now + SWEEP_MS;
		sweep.more = false;
	}
	sweep.busy = dbpool_run(sweep_once, look ? &nothing : NULL) == OK;
}

static void *run_sweep(void *unused)
{
	int64_t next = clock_mono_ms() + SWEEP_MS;

	pthread_mutex_lock(&sweep.lock);
	while (!sweep.closing) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += FLUSH_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&sweep.news, &sweep.lock, &until);
		if (!sweep.closing)
			wake_up(clock_mono_ms(), &next);
	}
	pthread_mutex_unlock(&sweep.lock);
	return unused;
}

void announce_open(void)
{
	sweep.closing = false;
	sweep.open = pthread_create(&sweep.thread, NULL, run_sweep, NULL) == 0;
	if (!sweep.open)
		abort();
}

void announce_close(void)
{
	if (!sweep.open)
		return;
	pthread_mutex_lock(&sweep.lock);
	sweep.closing = true;
	pthread_cond_signal(&sweep.news);
	pthread_mutex_unlock(&sweep.lock);
	pthread_join(sweep.thread, NULL);
	sweep.open = false;
}
