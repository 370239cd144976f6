/* Eight thousand streams at once, and what each costs in memory while nothing happens. Needs a server nobody has used yet: memory
 * that an earlier scenario left in the pools of the web server would be counted as free. */
#include <stdio.h>

#include "bench.h"

static const double ALL_READY_S = 30;
/* Longer than a heartbeat's interval, so that each stream's buffers have been used; and longer than the 64 s after which lighttpd gives back what the
 * burst took: idle streams are what is measured, not the burst. */
static const double IDLE_S = 70;

static void nothing(struct readers *all, uint32_t session, uint32_t seq)
{
	(void)all;
	broken("message %u in idle session %u", seq, session);
}

static void open_all(struct readers *all, const struct session *s)
{
	for (size_t i = 0; i < all->n; i++) {
		struct reader *r = &all->at[i];
		r->ticket = s[i / 2].side[i % 2].ticket;
		r->conv = s[i / 2].id;
		r->session = (uint32_t)(i / 2);
		reader_open(r);
	}
}

static void turn_for(double seconds)
{
	uint64_t until = now_ns() + (uint64_t)(seconds * SECOND);

	while (now_ns() < until)
		loop_turn(until);
}

/* A few streams open and close first: the pages of programs and libraries that the first stream of all touches are no stream's cost. */
static void warm_up(struct bench *b)
{
	struct readers few = {.message = nothing, .addr = &b->addr};
	struct session *s = sessions_new(b, 8);

	readers_init(&few, 16);
	open_all(&few, s);
	turn_for(1);
	if (few.ready != few.n)
		broken("only %zu of the first %zu streams are ready", few.ready, few.n);
	readers_done(&few);
	sessions_free(s, 8);
}

void scenario_burst(struct bench *b)
{
	warm_up(b);

	size_t n = (b->streams ? b->streams : 8000) / 2;
	struct session *s = sessions_new(b, n);
	struct readers all = {.message = nothing, .addr = &b->addr};
	char what[128];

	readers_init(&all, 2 * n);
	turn_for(2);

	procs_mark(&b->procs);
	uint64_t start = now_ns();
	open_all(&all, s);
	uint64_t connected = now_ns();
	while (all.ready + all.failed < all.n && now_ns() < start + (uint64_t)(ALL_READY_S * SECOND))
		loop_turn(now_ns() + 10 * MILLISECOND);
	double took = (double)(now_ns() - start) / SECOND;
	note("connects issued in %s; cpu seconds: %s", ms(connected - start), procs_cpu(&b->procs));
	snprintf(what, sizeof what, "%zu streams opened in one burst: errors", all.n);
	figure(what, "0", all.ready == all.n, "%zu (all %zu ready after %.2f s)", all.n - all.ready, all.ready, took);

	uint64_t idle_until = now_ns() + (uint64_t)(IDLE_S * SECOND);
	while (now_ns() < idle_until)
		loop_turn(now_ns() + 100 * MILLISECOND);
	long grown_kb;
	const char *by_kind = procs_growth(&b->procs, &grown_kb);
	double each = (double)grown_kb / (double)all.n;
	note("resident growth in KB over %.0f s: %s; %llu heartbeats", IDLE_S, by_kind, (unsigned long long)all.comments);
	bool held = all.ready == all.n;
	figure("resident memory per idle stream, lighttpd + hubs + Redis", "≤ 6 KB", held && each <= 6, "%.1f KB%s", each,
		held ? "" : " (streams were lost)");
	readers_done(&all);
	sessions_free(s, n);
}
