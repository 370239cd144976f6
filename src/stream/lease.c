/* The hub's name and lease, its inbox, and the work of hubs that died. See hub.h and design §5. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/keys.h"
#include "stream/own.h"

/* As many pops are under way at a time: when one is answered, Redis begins with the next by itself, and is not woken for each message to be told so. */
enum { POPS = 8, POP_S = 2, POP_MARGIN_MS = 2000, POP_COUNT = 128, RETRY_MS = 250 };

struct dead {
	struct hub *hub;
	unsigned bucket;
	char id[HUB_ID_LEN + 1];
};

/* ---- readers, when the hub's view of the log may have a hole ---- */

/* Not only entries may be missed: what passes is told anew as well, by `ready`. */
void place_again(struct place *p)
{
	if (!place_lasts(p->conversation))
		p->end = 0; /* a failover may have made the log shorter: what was heard before counts no more */
	for (struct reader *r = p->readers, *next; r != NULL; r = next) {
		next = r->next;
		reader_again(r);
	}
}

static void again_session(struct place *p)
{
	for (struct reader *r = p->readers, *next; r != NULL && !place_lasts(p->conversation); r = next) {
		next = r->next;
		if (!r->calling) /* else that is under way on the new connection */
			reader_again(r);
	}
}

void lease_reconnected(struct hub *h)
{
	place_each(h, again_session);
}

/* ---- inbox ---- */

static void popped(void *ctx, const struct reply *r)
{
	struct hub *h = ctx;

	h->pops--;
	if (reply_count(r) == 2)
		news_hear(h, reply_at(r, 1));
	else if (reply_kind(r) == REPLY_ERROR)
		/* A replica, a disk that is full: the next answer may be the same. */
		timer_set(&h->timers, &h->pop_timer, clock_mono_ms() + RETRY_MS);
	else if (r == NULL)
		h->hole = true;
}

static void pop_again(void *owner)
{
	inbox_pop(owner);
}

/* One blocking pop for the whole hub. With several buckets the first key is another one each time, so none is favoured. */
static void pop(struct hub *h)
{
	struct args a;
	unsigned buckets = keys_buckets();

	args_init(&a);
	args_str(&a, "BLMPOP");
	args_int(&a, POP_S);
	args_int(&a, buckets);
	for (unsigned i = 0; i < buckets; i++)
		keys_inbox(&a, (h->bucket_turn + i) % buckets, h->id);
	h->bucket_turn++;
	args_str(&a, "LEFT");
	args_str(&a, "COUNT");
	args_int(&a, POP_COUNT);
	h->pops++;
	redis_call(h->inbox, &a, (int)h->pops * POP_S * 1000 + POP_MARGIN_MS, popped, h);
}

void inbox_pop(struct hub *h)
{
	if (h->pops > POPS / 2 || h->stopping || h->pop_timer.place != 0 || keys_buckets() == 0)
		return;
	while (h->pops < POPS)
		pop(h);
}

static void peek(struct hub *h);

static void peeked(void *ctx, const struct reply *r)
{
	struct hub *h = ctx;

	h->peeks--;
	if (reply_count(r) == 2) {
		news_hear(h, reply_at(r, 1));
		h->more |= reply_count(reply_at(r, 1)) == POP_COUNT;
	} else if (r == NULL) {
		h->hole = true;
	}
	if (h->peeks > 0)
		return;
	h->peeked = !h->more;
	if (h->more && !h->hole && !h->stopping)
		peek(h);
}

/* Takes what stands in the inbox now, without waiting for it. */
static void peek(struct hub *h)
{
	unsigned buckets = keys_buckets();

	h->more = false;
	h->peeks = buckets;
	for (unsigned bucket = 0; bucket < buckets; bucket++) {
		struct args a;
		args_init(&a);
		args_str(&a, "LMPOP");
		args_int(&a, 1);
		keys_inbox(&a, bucket, h->id);
		args_str(&a, "LEFT");
		args_str(&a, "COUNT");
		args_int(&a, POP_COUNT);
		redis_call(h->inbox, &a, POP_MARGIN_MS, peeked, h);
	}
}

/* Nothing is told before all is heard that stands in the inbox: it may be an erasure of the rest. While a pop waits there is nothing more; when all were
 * answered that is asked, however long Redis takes. */
static bool heard_all(struct hub *h)
{
	if (h->hole || h->heard.len == 0)
		return true;
	if (redis_unread(h->inbox) || h->peeks > 0)
		return false;
	if (h->pops > 0 || h->peeked)
		return true;
	if (!h->stopping)
		peek(h);
	return false;
}

void inbox_round(struct hub *h)
{
	if (!heard_all(h))
		return;
	h->peeked = false;
	if (!h->stopping)
		news_tell(h);
	if (h->hole && h->leased && !h->stopping) {
		/* The connection broke: news may have been popped and lost. The log is the truth. */
		place_each(h, place_again);
		desks_again(h);
	}
	h->hole = false;
	inbox_pop(h);
}

/* ---- the dead ---- */

static void settled(void *ctx, enum err e, int64_t at, int64_t length, bool forgotten)
{
	(void)ctx;
	(void)e;
	(void)at;
	(void)length;
	(void)forgotten;
}

static void look_who_left(struct hub *h, const char *conversation, const char *dead)
{
	(place_lasts(conversation) ? lasting_settle : settle)(h->commands, conversation, dead, "", settled, NULL);
}

static void reaped(void *ctx, enum err e, const struct reply *conversations)
{
	struct dead *d = ctx;
	size_t n = reply_count(conversations);

	for (size_t i = 1; e == OK && i < n; i++)
		look_who_left(d->hub, reply_text(reply_at(conversations, i), NULL), d->id);
	if (e == OK && n > REAP_MOST)
		reap(d->hub->commands, d->bucket, d->id, reaped, d);
	else
		free(d);
}

static void bury(struct hub *h, unsigned bucket, const char *id)
{
	struct dead *d = calloc(1, sizeof *d);

	if (d == NULL || strlen(id) > HUB_ID_LEN || strcmp(id, h->id) == 0) {
		free(d);
		return;
	}
	d->hub = h;
	d->bucket = bucket;
	strcpy(d->id, id);
	reap(h->commands, bucket, id, reaped, d);
}

/* ---- the lease ---- */

struct renewal {
	struct hub *hub;
	unsigned bucket;
	bool take;
	char id[HUB_ID_LEN + 1];
};

static void renew(struct hub *h, bool take);

static void take_name(struct hub *h)
{
	id_hex(h->id, HUB_ID_LEN);
	h->leased = false;
	if (h->pops > 0)
		redis_interrupt(h->inbox); /* it waits at the old name's inbox */
	renew(h, true);
}

static void leased(void *ctx, enum err e, bool no_lease, const struct reply *dead)
{
	struct renewal *mine = ctx;
	struct hub *h = mine->hub;
	bool current = strcmp(mine->id, h->id) == 0, taken = mine->take;
	unsigned bucket = mine->bucket;

	free(mine);
	if (h->stopping || !current)
		return;
	h->leases_under_way--;
	if (no_lease) {
		lease_lost(h);
		return;
	}
	if (e != OK) {
		if (taken)
			timer_set(&h->timers, &h->lease_timer, clock_mono_ms() + RETRY_MS);
		return;
	}
	for (size_t i = 1; i < reply_count(dead); i++)
		bury(h, bucket, reply_text(reply_at(dead, i), NULL));
	if (taken && h->leases_under_way == 0 && !h->leased) {
		h->leased = true;
		inbox_pop(h);
		place_each(h, place_again);
		desks_again(h);
	}
}

static void renew(struct hub *h, bool take)
{
	h->leases_under_way = keys_buckets();
	for (unsigned b = 0; b < keys_buckets(); b++) {
		struct renewal *mine = calloc(1, sizeof *mine);
		if (mine == NULL)
			abort();
		mine->hub = h;
		mine->bucket = b;
		mine->take = take;
		strcpy(mine->id, h->id);
		lease(h->commands, b, h->id, take, leased, mine);
	}
	timer_set(&h->timers, &h->lease_timer, clock_mono_ms() + LEASE_RENEW_MS);
}

void lease_lost(struct hub *h)
{
	if (!h->leased && h->leases_under_way > 0)
		return; /* a new name is being taken already */
	log_line(LOG_WARN, "hub.lease_lost", "i:readers", (int64_t)atomic_load(&h->readers), NULL);
	take_name(h);
}

static void fire(void *owner)
{
	struct hub *h = owner;

	renew(h, !h->leased);
}

void lease_begin(struct hub *h)
{
	h->lease_timer.fire = fire;
	h->lease_timer.owner = h;
	h->pop_timer = (struct timer){.fire = pop_again, .owner = h};
	take_name(h);
}
