/* Sending, with every message followed to both ends of its session: as fast as it goes (sends), and at a fixed rate (paced). */
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

enum { OPENING_AT_A_TIME = 200 };
static const double WARM_UP_S = 2;

struct drive {
	struct bench *bench;
	struct session *sessions;
	size_t n;
	struct pool pool;
	struct readers readers;
	uint32_t next;          /* number of the next send */
	uint32_t first_counted; /* sends below are warm-up */
	size_t under_way;
	bool endless, stop; /* endless: a reply starts the next send */
	uint64_t *at;       /* by number: the instant it was due */
	size_t cap;
	uint64_t acked_counted;
	struct hist ack;
};

/* The k-th send comes from participant k * 7919 mod 2n: neighbours in time are far from each other, everybody gets as many. */
static struct side *sender_of(struct drive *d, uint32_t seq, struct session **s)
{
	size_t who = (size_t)((uint64_t)seq * 7919 % (2 * d->n));
	*s = &d->sessions[who / 2];
	return &(*s)->side[who % 2];
}

static const char *build_send(struct pool *pool, uint32_t tag, size_t *len)
{
	struct session *s;
	return numbered(sender_of(pool->ctx, tag, &s), tag, len);
}

static bool send_next(struct drive *d, uint64_t due)
{
	if (d->next == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 1 << 18;
		d->at = realloc(d->at, d->cap * sizeof *d->at);
		if (!d->at)
			err(2, "malloc");
	}
	d->at[d->next] = due;
	if (!pool_send(&d->pool, d->next))
		return false;
	d->next++;
	d->under_way++;
	return true;
}

static void send_acked(struct pool *pool, uint32_t tag, const struct reply *reply)
{
	struct drive *d = pool->ctx;
	struct session *s;
	uint64_t now = now_ns();

	d->under_way--;
	sender_of(d, tag, &s);
	if (!count_ack(s, tag, reply))
		d->stop = true;
	if (tag >= d->first_counted) {
		d->acked_counted++;
		hist_add(&d->ack, now - d->at[tag]);
	}
	if (d->endless && !d->stop)
		send_next(d, now);
}

static void delivered(struct readers *all, uint32_t session, uint32_t seq)
{
	struct drive *d = all->ctx;
	struct session *s;

	if (seq >= d->next) {
		broken("a reader got message %u, which was not sent", seq);
		return;
	}
	sender_of(d, seq, &s);
	if (s != &d->sessions[session])
		broken("message %u of %s came out in %s", seq, s->id, d->sessions[session].id);
	if (seq >= d->first_counted)
		hist_add(&d->bench->hist, now_ns() - d->at[seq]);
}

static void drive_init(struct drive *d, struct bench *b, size_t streams)
{
	d->bench = b;
	d->n = streams / 2;
	d->pool = (struct pool){.addr = &b->addr, .build = build_send, .replied = send_acked, .ctx = d};
	d->readers = (struct readers){.message = delivered, .ctx = d};
	d->first_counted = UINT32_MAX;
	hist_init(&d->ack);
	hist_init(&b->hist);
	d->sessions = sessions_new(b, d->n);
	sessions_read(b, d->sessions, d->n, &d->readers, OPENING_AT_A_TIME);
	pool_init(&d->pool, b->senders);
}

static void drain(struct drive *d)
{
	uint64_t give_up = now_ns() + 10 * SECOND;
	while (d->under_way > 0 && now_ns() < give_up)
		loop_turn(now_ns() + 10 * MILLISECOND);
	if (d->under_way > 0)
		broken("%zu sends were never answered", d->under_way);
}

static void drive_done(struct drive *d)
{
	if (d->readers.failed > 0)
		broken("%zu readers failed", d->readers.failed);
	if (d->pool.repeats > 0)
		note("%llu sends were repeated after a lost connection", (unsigned long long)d->pool.repeats);
	pool_done(&d->pool);
	readers_done(&d->readers);
	sessions_free(d->sessions, d->n);
	free(d->at);
}

void scenario_sends(struct bench *b)
{
	struct drive d = {.endless = true};
	drive_init(&d, b, b->streams ? b->streams : 1000);

	uint64_t begin = now_ns();
	while (send_next(&d, now_ns()))
		;
	while (now_ns() < begin + (uint64_t)(WARM_UP_S * SECOND) && !d.stop)
		loop_turn(now_ns() + MILLISECOND);

	procs_mark(&b->procs);
	uint64_t start = now_ns(), end = start + (uint64_t)(b->seconds * SECOND);
	uint64_t acked_before = 0, got_before = d.readers.messages, acked = 0;
	for (size_t i = 0; i < d.n; i++)
		acked_before += d.sessions[i].acked;
	d.first_counted = d.next;
	while (now_ns() < end && !d.stop)
		loop_turn(now_ns() + MILLISECOND);
	double took = (double)(now_ns() - start) / SECOND;
	for (size_t i = 0; i < d.n; i++)
		acked += d.sessions[i].acked;
	double sends = (double)(acked - acked_before) / took, got = (double)(d.readers.messages - got_before) / took;
	note("cpu seconds in %.1f s: %s", took, procs_cpu(&b->procs));

	d.stop = true;
	drain(&d);
	bool whole = sessions_agree(d.sessions, d.n, &d.readers);
	note("send to answer p50 %s, p99 %s; send to reader p50 %s, p99 %s; %zu connections send", ms(hist_share(&d.ack, .5)),
		ms(hist_share(&d.ack, .99)), ms(hist_share(&b->hist, .5)), ms(hist_share(&b->hist, .99)), b->senders);
	char what[128];
	snprintf(what, sizeof what, "acknowledged sends with %zu readers, each message at both ends", d.readers.n);
	figure(what, "≥ 12,000/s", sends >= 12000 && whole, "%.0f/s (deliveries %.0f/s; %llu messages%s)", sends, got,
		(unsigned long long)acked, whole ? ", all delivered in order" : ", NOT all delivered");
	drive_done(&d);
}

/* The instants of an open loop don't wait for anything: a late answer delays no later send's clock. */
void scenario_paced(struct bench *b)
{
	struct drive d = {0};
	drive_init(&d, b, b->streams ? b->streams : 5000);

	double gap_ns = (double)SECOND / b->rate, due = (double)now_ns() + 50e6;
	uint32_t warm = (uint32_t)(WARM_UP_S * b->rate), total = warm + (uint32_t)(b->seconds * b->rate);
	unsigned short seed[3] = {1, 2, 3};
	bool marked = false;
	d.first_counted = warm;
	while (d.next < total && !d.stop) {
		if (!marked && d.next >= warm) {
			procs_mark(&b->procs);
			marked = true;
		}
		while (d.next < total && (double)now_ns() >= due && send_next(&d, (uint64_t)due))
			due += b->poisson ? -log(1 - erand48(seed)) * gap_ns : gap_ns;
		/* With every connection busy, the next answer ends the turn. */
		loop_turn(d.pool.idle_n > 0 ? (uint64_t)due : now_ns() + MILLISECOND);
	}
	note("cpu seconds in %.1f s: %s", b->seconds, procs_cpu(&b->procs));
	drain(&d);
	bool whole = sessions_agree(d.sessions, d.n, &d.readers);
	uint64_t p99 = hist_share(&b->hist, .99);
	note("due to answer p50 %s, p99 %s, max %s", ms(hist_share(&d.ack, .5)), ms(hist_share(&d.ack, .99)), ms(d.ack.max_ns));
	char what[128];
	snprintf(what, sizeof what, "%.0f sends/s with %zu open streams: from due to reader, p99", b->rate, d.readers.n);
	figure(what, "< 5 ms", whole && p99 < 5 * MILLISECOND, "%s (p50 %s, p99.9 %s, max %s)", ms(p99), ms(hist_share(&b->hist, .5)),
		ms(hist_share(&b->hist, .999)), ms(b->hist.max_ns));
	drive_done(&d);
}
