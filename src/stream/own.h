/* What the files about readers of what lasts share. Internal to stream/. See hub.h.
 *
 *   lasting.c  readers of a lasting conversation: place "=<id>"     look.c  one look per hub at SQL: what news did not tell
 *   feed_large.c  its conversations of very many people
 *   entrance.c who a reader is, before it has a place (sessions' and desks', too)
 *   look_feed.c  the same for feeds
 *   feed.c     readers of a user's feed: place "@<user>"               own.c   what both have
 *
 * A reader is looked up in SQL first (may he, where does he go on, what comes), then the hub is registered with Redis, which says how far the log was announced by then:
 * what is not in hand yet is read again. Without Redis the reader begins all the same, and look.c brings what comes. */
#ifndef STREAM_OWN_H
#define STREAM_OWN_H

#include "chat/following.h"
#include "store/follow.h"
#include "stream/reader.h"

/* What such a reader has beside the rest. */
struct own {
	char *thread;        /* NULL: all of it */
	char *login;         /* NULL: rests on none */
	struct shown *shown; /* a feed: what it was told without a cursor */
	int64_t since;       /* a feed without Redis: it is told what was committed after (ms since the epoch) */
	bool registered;     /* Redis knows of it */
	unsigned
		wants_unread; /* a feed that begins: of conversations of very many people it is told how much is unread, by that list of them or a later one; 0: it was */
	bool behind; /* entries were left out since it last was told a cursor */
};

/* What the looks of one hub have in hand. */
struct looks {
	struct hub *hub;
	struct timer timer;
	bool pinging;
	int64_t heard_at;                   /* clock_mono_ms: when Redis last answered, and took writes */
	struct look *under;                 /* being gathered in this round */
	size_t places, feeds, feeds_before; /* feeds: those that only SQL tells */
	bool alone;                         /* Redis is away */
	bool again;                         /* in this round, readers that Redis does not know of begin again */
	unsigned turn;
	char revoked[TICKET_LOGIN_LEN + 1];
	bool gathering;         /* look_feed.c: under way */
	bool slow;              /* … and somebody takes what he is told slowly */
	int64_t gathered_until; /* since the epoch: what was committed till then was looked at */
	struct follow_part *parts;
	struct large *large; /* feed_large.c */
	struct reading *reading;
	int readings; /* under way */
};

/* What a feed's place has beside the rest. */
struct fed {
	struct shown *shown; /* what was told of late */
	bool listing, listed;
	unsigned lists;        /* how many were asked for */
	int64_t large_at;      /* clock_mono_ms: who is in which is looked at again; 0: it was not yet */
	struct follows *large; /* conversations of very many people */
	int large_count;
};

static inline bool is_feed(const struct place *p)
{
	return p->conversation[0] == '@';
}

/* own.c */
struct own *own_new(const char *thread);
void own_login(struct own *o, const char *login);       /* "": none */
void own_free(struct own *o);                           /* takes NULL */
void place_status(struct place *p, const char *status); /* active, archived, completed */
const char *place_status_name(const struct place *p);
/* Is the entry for this reader? What is not moves its cursor all the same. */
bool own_wants(const struct reader *r, const struct entry *e);
/* It is that event, of that participant. */
bool own_says(const struct entry *e, const char *event, const char *participant);
/* Something of the conversation was told live: what else follows from it. */
void own_told(struct place *p, const struct entry *e);

void own_begin(
	struct reader *r); /* looks it up and begins it, or begins it anew: lasting_begin, feed_begin (nothing else is under way then) */
void own_read_on(struct reader *r); /* likewise */

/* The answer of a call is for a reader that still waits for it as it did (then r->calling is over); otherwise the reader goes its way here. */
bool own_still(struct reader *r, enum reader_state state);
/* What was shown of conversations of late: to a reader without a cursor, at a feed's place by news. One stretch of each log is remembered, the last one. */
bool own_shown(const struct shown *all, const char *conversation, int64_t position);
int64_t own_shown_to(const struct shown *all, const char *conversation); /* 0: nothing, or that is forgotten */
void own_show(struct shown **all, const char *conversation, int64_t position);
void own_forget(struct shown **all);

/* lasting.c */
void lasting_begin(struct reader *r);
void lasting_read_on(struct reader *r);
void lasting_erased(struct place *p); /* it is not there any more: all who read it are told so, and end */

/* feed.c */
enum { SHOWN_MOST = 64, LEASE_WAIT_MS = 1500 };
enum {
	FEED_OVERLAP_MS = 5000,
	FEED_OVERLAP_POLL_MS = 2000
}; /* without Redis: how far before its beginning a reader that goes on is told of */
void feed_begin(struct reader *r);
void feed_read_on(struct reader *r);
void feed_news(struct place *p, int64_t position, bool follows, struct span text); /* follows: what comes after it is not told by news */
void feed_erasure(struct place *p, struct span text); /* news of one: nothing that came before is told as it was */
/* at NULL: without a cursor. e: of the conversation's log. */
void feed_give(struct reader *r, const struct cursor *at, const char *conversation, const struct entry *e);
void feed_give_gone(struct reader *r, const struct cursor *at, const char *conversation, int64_t when);

/* feed_large.c */
struct fed *place_fed(struct place *p); /* made when missing */
void fed_free(struct fed *f);           /* takes NULL */
void feed_large_list(struct place *p);
void feed_large_soon(struct place *p); /* news of it may be lost */
void feed_large_due(struct place *p, int64_t now);
void feed_large_joined(struct place *p, const char *conversation,
	int64_t position); /* from behind that entry on, which is told, it is no longer told by news */
void feed_large_look(struct hub *h);
void feed_large_done(struct looks *all);

/* look.c */
void look_begin(struct hub *h);
void look_later(struct place *p);           /* somebody has begun there: it is looked at from now on */
void look_feeds(struct hub *h, bool first); /* look_feed.c; first: Redis has just gone */
void look_feeds_done(struct looks *all);
bool look_alone(struct hub *h);                     /* Redis is away */
void look_revoke(struct hub *h, struct span login); /* that login is over: ends what is open by it */
void looks_done(struct hub *h);

#endif
