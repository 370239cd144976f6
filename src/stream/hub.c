/* The hub's loop: sockets, Redis, timers, in one thread. See hub.h. */
#include "stream/own.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"

enum { EVENTS_MOST = 512, HEARD_MOST = 64 * 1024 * 1024, STOP_MS = 2000, TRIM_MS = 5000, TRIM_WORTH = 500 };

int64_t hub_mono_of(int64_t epoch_ms)
{
	return clock_mono_ms() + (epoch_ms - clock_now_ms());
}

void hub_watch(struct hub *h, int fd, void *what, unsigned events, bool first)
{
	struct epoll_event e = {.events = events, .data.ptr = what};

	if (epoll_ctl(h->epoll, first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) != 0)
		log_line(LOG_ERROR, "hub.epoll", "i:errno", (int64_t)errno, NULL);
}

void hub_unwatch(struct hub *h, int fd)
{
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Redis connections come and go by themselves: after anything was done with one, its descriptor is watched for what it wants now. */
static void watch_redis(struct hub *h, struct redis *r, unsigned *generation, unsigned *events)
{
	int fd = redis_fd(r);

	if (fd < 0)
		return;
	if (*generation != redis_generation(r))
		hub_watch(h, fd, r, *events = redis_events(r), true);
	else if (*events != redis_events(r))
		hub_watch(h, fd, r, *events = redis_events(r), false);
	*generation = redis_generation(r);
}

static int64_t tend_redis(struct hub *h)
{
	int64_t a = redis_tick(h->commands), b = redis_tick(h->inbox);

	bool up = redis_ready(h->commands);
	if (up && !h->connected && h->was_connected)
		lease_reconnected(h);
	h->connected = up;
	h->was_connected |= up;
	redis_flush(h->commands);
	redis_flush(h->inbox);
	watch_redis(h, h->commands, &h->commands_generation, &h->commands_events);
	watch_redis(h, h->inbox, &h->inbox_generation, &h->inbox_events);
	return a < b ? a : b;
}

static void handle(struct hub *h, const struct epoll_event *e)
{
	if (e->data.ptr == h) {
		struct signalfd_siginfo info;
		ssize_t n = read(h->wake, &info, sizeof(uint64_t));
		(void)n;
		intake_take(h->intake);
		hub_worked(h);
	} else if (e->data.ptr == h->commands || e->data.ptr == h->inbox) {
		redis_io(e->data.ptr);
	} else {
		reader_ready_fd(e->data.ptr, e->events);
	}
}

static void round_of(struct hub *h)
{
	struct epoll_event events[EVENTS_MOST];
	int64_t now = clock_mono_ms(), until = timers_next(&h->timers, now + 1000), redis_at = tend_redis(h);

	if (redis_at < until)
		until = redis_at;
	/* Replies that tend_redis had to hand out may have left something to write. */
	readers_flush(h);
	redis_flush(h->commands);
	int n = epoll_wait(h->epoll, events, EVENTS_MOST, until > now ? (int)(until - now) : 0);
	/* Readers that end are freed when the round is over (readers_flush), so that no event of this round finds one freed. */
	for (int i = 0; i < n; i++)
		handle(h, &events[i]);
	inbox_round(h);
	timers_run(&h->timers, clock_mono_ms());
	readers_flush(h);
}

/* What a burst left behind goes back to the system: tens of thousands of idle streams are what a hub is for. */
static void trim(void *owner)
{
	struct hub *h = owner;

	bool busy = h->came_and_went >= TRIM_WORTH;

	if (busy || h->was_busy)
		malloc_trim(0); /* a millisecond or two */
	h->was_busy = busy; /* once more afterwards: in the middle of a burst much of what it needs is in use */
	h->came_and_went = 0;
	timer_set(&h->timers, &h->trim_timer, clock_mono_ms() + TRIM_MS);
}

static atomic_bool stop;

static void on_stop(int number)
{
	(void)number;
	atomic_store(&stop, true);
	exchange_shutdown();
}

static void end_reader_of(struct place *p)
{
	struct reader *next;

	for (struct reader *r = p->readers; r != NULL; r = next) {
		next = r->next;
		reader_kick(r);
	}
}

static void wind_down(struct hub *h)
{
	int64_t until = clock_mono_ms() + STOP_MS;

	h->stopping = true;
	intake_stop(h->intake);
	intake_take(h->intake);
	place_each(h, end_reader_of);
	desks_kick(h);
	readers_flush(h);
	while (atomic_load(&h->readers) > 0 && clock_mono_ms() < until)
		round_of(h);
}

static void set_up(struct hub *h)
{
	struct rlimit files;
	struct sigaction action = {.sa_handler = on_stop};

	h->born_ms = clock_mono_ms();
	mallopt(M_ARENA_MAX, 1); /* what threads leave behind in arenas of their own would hold pages for as long as streams live */
	timers_init(&h->timers);
	buf_init(&h->scratch_data, 1024 * 1024);
	buf_init(&h->scratch_frame, 1024 * 1024);
	buf_init(&h->heard, HEARD_MOST);
	h->slot_count = 1024;
	h->slots = calloc(h->slot_count, sizeof(struct place *));
	desks_open(h);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->slots == NULL || h->epoll < 0 || h->wake < 0)
		abort();
	getrlimit(RLIMIT_NOFILE, &files);
	h->readers_most = files.rlim_cur > 200 ? files.rlim_cur - 100 : 100;
	h->trim_timer = (struct timer){.fire = trim, .owner = h};
	timer_set(&h->timers, &h->trim_timer, clock_mono_ms() + TRIM_MS);
	hub_watch(h, h->wake, h, EPOLLIN, true);
	hub_work_begin(h);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void tear_down(struct hub *h)
{
	dbpool_close(); /* first: what runs there may tell Redis */
	redis_free(h->commands);
	redis_free(h->inbox);
	h->commands = h->inbox = NULL;
	hub_work_end(h);
	readers_flush(h);
	timers_done(&h->timers);
	buf_done(&h->scratch_data);
	buf_done(&h->scratch_frame);
	buf_done(&h->heard);
	for (size_t i = 0; i < h->slot_count; i++)
		while (h->slots[i] != NULL) {
			struct place *p = h->slots[i];
			h->slots[i] = p->next_in_slot;
			place_free(p);
		}
	free(h->slots);
	desks_close(h);
	looks_done(h);
	readers_done();
	places_done();
	close(h->epoll);
	close(h->wake);
}

enum err hub_run(void)
{
	struct hub h = {0};
	enum err e = redis_new(&h.commands, config_text("ROOM_REDIS"));

	if (e == OK)
		e = redis_new(&h.inbox, config_text("ROOM_REDIS"));
	if (e == OK)
		e = exchange_setup();
	if (e != OK)
		return e;
	set_up(&h);
	h.intake = intake_start(&h);
	lease_begin(&h);
	log_line(LOG_INFO, "hub.started", NULL);
	while (!atomic_load(&stop))
		round_of(&h);
	wind_down(&h);
	tear_down(&h);
	return OK;
}
