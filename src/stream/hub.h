/* A hub: holds thousands of exchanges open and feeds them (design §5). One thread runs everything here but the intake's accepting threads.
 *
 *   intake.c  accepts, checks credentials, hands readers over      reader.c  one exchange: its states, its buffer, its clock
 *   news.c    takes the inbox apart, erasures first                place.c   one conversation: its readers, deadline, typing, leaves
 *   lease.c   the hub's name, its lease, the dead ones' work       answer.c  what readers are told: ready, reset, frames, poll answers
 *   desk.c    counselors' desks: readers of a list, not of a log  work.c   SQL: asked on the pool's threads, answered in the loop
 *   lasting*.c, feed.c, look.c: readers of what lasts (own.h)
 *
 * Where things live: a reader belongs to its place; a place belongs to the hub's table and goes when nothing holds it any more. */
#ifndef STREAM_HUB_H
#define STREAM_HUB_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "chat/subscription.h"
#include "http/exchange.h"
#include "store/dbpool.h"
#include "store/redis.h"
#include "stream/slab.h"
#include "stream/timers.h"

enum {
	OUT_MOST = 512 * 1024,     /* what may wait for a slow reader; past it the exchange ends and resumes by cursor */
	DRAIN_MS = 10000,          /* how long an ending exchange may take to be read */
	HEARTBEAT_S = 15,          /* design §5 */
	LEAVE_MS = 10000,          /* a clean leave waits so long before anyone is told */
	TYPING_MS = 5000,          /* typing ends by itself */
	TICKET_WARNING_MS = 60000, /* ticket:expiring comes this much ahead */
	BEGIN_MS = 2000,           /* without a lease for so long: the store is away, and who just came is told so */
	DB_THREADS = 2,            /* each with a connection; none before the first reader of what lasts */
};

#define PLACE_MAX (ID_MAX + 1) /* a session's id, "=<id>" of a lasting conversation, "@<user>" of a feed */

struct place;
struct desk;
struct hub;
struct own;
struct credentials;
struct fed;
struct looks;

enum reader_state {
	READER_REDEEMING,   /* its stream ticket is being redeemed */
	READER_SUBSCRIBING, /* the subscribe script is under way, or waits for the lease */
	READER_CATCHING_UP, /* reads the log page by page, or what news had skipped */
	READER_LIVE,
	READER_ENDING, /* what is in out goes, nothing more comes */
};

/* What a reader needs only until its stream has begun, a poll to its end. */
struct arrival {
	char conversation[PLACE_MAX + 1]; /* the place it wants; of a desk's poll: what the list was when it was last asked for */
	char *stream_ticket;              /* to redeem; owned */
	struct credentials *who;          /* of what lasts: as the request says, until that is looked up; owned */
	struct buf events;                /* a poll: events so far, comma-separated */
	struct buf marks;                 /* a poll: the snapshot of its beginning */
	struct buf early;                 /* passing events that came while it was subscribing: lines event, data */
};

/* One of tens of thousands: kept small. */
struct reader {
	struct hub *hub;
	union {
		struct place *place; /* NULL after it left */
		struct desk *desk;   /* at_desk: likewise */
	};
	struct reader *next, **prev; /* among the place's or the desk's readers */
	struct reader *next_dirty;   /* has something to be written at the end of this round */
	struct exchange *x;          /* NULL once a stream has begun */
	struct arrival *arrival;     /* NULL then, too */
	struct own *own;             /* only of readers of what lasts (own.h) */
	struct timer timer;
	struct buf out;         /* FastCGI records not yet written */
	struct cursor at;       /* the last entry it was given; at_desk: .position is the list that it waits for */
	int64_t ticket_ends_ms; /* since the epoch */
	int64_t beat_at;        /* clock_mono_ms: the next heartbeat of a stream */
	int64_t until;          /* clock_mono_ms: a poll's time, or an ending exchange's */
	int fd;                 /* the connection; -1 when gone: then only a call under way holds the reader */
	int heartbeat_ms;
	uint16_t fcgi_id;
	uint8_t acts;
	uint8_t state; /* enum reader_state */
	bool student : 1, poll : 1, begun : 1, dirty : 1, waiting_out : 1, told_expiring : 1, calling : 1, registered : 1, stale : 1;
	bool cursor_given : 1, known : 1; /* known: credentials beside the stream ticket said who */
	bool has_delivery : 1;            /* a poll: something came that ends it */
	bool at_desk : 1;
	bool missed : 1;  /* news may have been lost while it was no live one: it reads on before it is */
	bool expired : 1; /* its ticket's end was told */
	char role[10];
	char who[ID_MAX + 1]; /* the participant; \"\" until a stream ticket is redeemed */
};

struct typist {
	struct typist *next;
	int64_t until; /* clock_mono_ms */
	char participant[ID_MAX + 1], role[10];
};

struct leaver {
	struct leaver *next;
	struct place *place;
	char participant[ID_MAX + 1];
	int64_t left_at, due_at; /* clock_mono_ms */
	bool clean;              /* the client went; otherwise a poll was answered */
};

struct place {
	struct hub *hub;
	struct place *next_in_slot;
	struct reader *readers;
	int reader_count;
	struct leaver *leavers;
	struct typist *typists;
	struct fed *fed;    /* a feed's (own.h) */
	int64_t end;        /* highest position heard of */
	int64_t expires_at; /* ms since the epoch */
	int64_t settle_at;  /* clock_mono_ms, 0 = not known */
	int64_t
		look_at; /* not asked before: whether the deadline has passed (clock_mono_ms); of what lasts: looked at then, 0 = nobody has begun */
	bool ended, expiring, gone;
	bool looking;   /* of what lasts: a look at SQL is under way (look.c) */
	uint8_t status; /* a lasting conversation's (own.h) */
	int calls;      /* scripts under way that will come back here */
	struct timer timer;
	char conversation[PLACE_MAX + 1];
};

/* A piece of work for a pool thread, the first member of what it is about. does runs there and touches nothing of the loop's; done runs in the loop,
 * exactly once, and owns w again. */
struct work {
	struct work *next;
	struct hub *hub;
	enum err (*does)(struct db *d, struct work *w);
	void (*done)(struct work *w);
	enum err err; /* what does said; ERR_STORE_UNAVAILABLE when it did not run */
};

struct posts {
	pthread_mutex_t lock;
	struct work *first, **end;
};

struct hub {
	char id[HUB_ID_LEN + 1];
	int epoll, wake;
	unsigned commands_generation, inbox_generation, commands_events, inbox_events;
	struct redis *commands, *inbox;
	struct timers timers;
	struct place **slots;
	size_t slot_count, place_count;
	atomic_size_t readers;
	size_t readers_most;
	unsigned came_and_went; /* readers that began or were freed since the last trim */
	bool was_busy;          /* many did before that */
	struct reader *dirty;
	bool leased, stopping;
	bool connected, was_connected; /* commands: now; ever */
	unsigned pops;                 /* blocking pops of the inbox that are under way, one behind the other */
	bool hole;                     /* some were not answered: news may have been popped and lost */
	unsigned peeks;                /* at the inbox, under way, before what was heard is told */
	bool peeked, more;             /* down to its end: what was heard may be told; one found as much as it may take */
	struct buf heard;              /* news: how long each (4 bytes), and its line */
	int64_t born_ms;               /* clock_mono_ms */
	unsigned leases_under_way, bucket_turn;
	struct timer lease_timer, pop_timer, trim_timer;
	struct buf scratch_data, scratch_frame;
	struct intake *intake;
	struct desks *desks;
	struct posts posts;
	struct looks *looks; /* NULL before the first reader of what lasts */
};

/* hub.c */
enum err hub_run(void) MUST_CHECK; /* until SIGTERM; everything from setup to the last byte */
void hub_watch(struct hub *h, int fd, void *what, unsigned events, bool first);
void hub_unwatch(struct hub *h, int fd); /* before a descriptor is given away open: closing one does it by itself */
int64_t hub_mono_of(int64_t epoch_ms);   /* a moment of the epoch on the loop's clock */

/* work.c */
void hub_work_begin(struct hub *h);
void hub_work_end(struct hub *h); /* waits for what runs; everything is done then */
void hub_work(struct hub *h, struct work *w);
void hub_post(struct hub *h, struct work *w); /* w->done is called in the loop; any thread */
void hub_worked(struct hub *h);               /* hands out what is done; in the loop */

/* lease.c */
void lease_begin(struct hub *h);
void lease_lost(struct hub *h);        /* somebody said NO_LEASE */
void lease_reconnected(struct hub *h); /* to a Redis that may not know what the last one did */
void place_again(struct place *p);     /* its readers subscribe anew: news may be lost, or the hub has a new name */
void inbox_pop(struct hub *h);
void inbox_round(struct hub *h); /* once a round: tells what was heard, pops again */

/* place.c */
struct place *place_find(struct hub *h, const char *conversation);
struct place *place_get(struct hub *h, const char *conversation); /* made when missing */
void place_release(struct place *p);                              /* frees it when nothing holds it */
void place_free(struct place *p);                                 /* whatever holds it: only at the end of the process */
void place_join(struct place *p, struct reader *r);
void place_part(struct reader *r, bool clean); /* r leaves; its participant is told of later, if at all */
int place_held(const struct place *p, const char *participant);
void place_deadline(struct place *p, int64_t expires_at);
void place_settle_at(struct place *p, int64_t epoch_ms);
void place_schedule(struct place *p);
void place_typing(struct place *p, const char *participant, const char *role, bool is_typing);
void place_gone(struct place *p, const char *event, const char *at, size_t at_len); /* tells everyone, ends everything */
void place_each(struct hub *h, void (*fn)(struct place *p));

/* reader.c */
struct reader *reader_new(void);    /* any thread */
void reader_drop(struct reader *r); /* one that never began */
void readers_done(void);            /* the memory of all, at the end */
void places_done(void);
void reader_begin(struct reader *r); /* in the loop, r owned by it from now on */
void reader_subscribe(struct reader *r);
void reader_entry(struct reader *r, const struct entry *e); /* the next one, an old one or one too far ahead */
void reader_passing(struct reader *r, const char *event, const char *data, size_t len);
void reader_read_on(struct reader *r);                          /* news about it may be lost: reads the log from where it is */
void reader_again(struct reader *r);                            /* subscribes anew, as soon as it can; a stream is told `ready` then */
void reader_end(struct reader *r);                              /* ends the exchange after what is in its buffer */
void reader_identify(struct reader *r, const struct ticket *t); /* who it is, from here on */
void reader_close(struct reader *r);                            /* the connection, at once */
void reader_arrived(struct reader *r);                          /* frees what only an arrival needs */
void reader_gone(struct reader *r);                             /* the client went */
void reader_ready_fd(struct reader *r, unsigned events);
void reader_started(struct reader *r); /* its answer has begun: from here on its ticket is watched */
void readers_flush(struct hub *h);
void reader_kick(struct reader *r);

/* answer.c */
void answer_ready(struct reader *r, const struct subscribed *s);
void answer_event(struct reader *r, const struct cursor *id, const char *event, const char *data, size_t len);
void answer_begin(struct reader *r); /* the head of a stream */
void answer_cursor(
	struct reader *r, struct buf *frame); /* an id without an event: the client's own cursor moves past what is none of its business */
void answer_poll(struct reader *r);       /* answers and frees */
void answer_refuse(struct reader *r, enum err e); /* before anything was sent: the status that fits; frees */
void answer_retry(struct reader *r);              /* 200, retry:, end: come back later */
void answer_enough(struct reader *r);             /* one that has begun ends, and is asked not to be back soon; a poll gets 429 */

/* desk.c */
void desk_begin(struct reader *r); /* who it is is known */
void desk_part(struct reader *r);
struct reader *desk_readers(struct desk *d);
void desk_answer_poll(struct reader *r);
void desks_open(struct hub *h);
void desks_close(struct hub *h);
void desks_news(struct hub *h, const char *counselor, const char *conversation);
void desks_summary(struct hub *h, const char *counselor, const char *conversation, const char *state, int64_t at_ms);
void desks_again(struct hub *h); /* news may have been lost, or the hub has a new name */
void desks_kick(struct hub *h);

/* news.c */
void place_entry(struct place *p, const struct entry *e); /* all its readers are told, and what follows from it happens */
void news_hear(struct hub *h, const struct reply *items);
void news_tell(struct hub *h); /* all that was heard, erasures first */

/* intake.c */
struct intake *intake_start(struct hub *h);
void intake_take(struct intake *in); /* begins what was accepted; in the loop */
void intake_stop(struct intake *in);

#endif
