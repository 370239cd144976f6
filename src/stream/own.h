/* What the files about readers of what lasts share. Internal to stream/. See hub.h.
 *
 *   lasting.c  readers of a lasting conversation: place "=<id>"     look.c  one look per hub at SQL: what news did not tell
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
	char *thread;    /* NULL: all of it */
	char *login;     /* NULL: rests on none */
	bool registered; /* Redis knows of it */
	bool behind;     /* entries were left out since it last was told a cursor */
};

static inline bool is_feed(const struct place *p)
{
	return p->conversation[0] == '@';
}

/* own.c */
struct own *own_new(const char *thread, const char *login);
void own_free(struct own *o);                           /* takes NULL */
void place_status(struct place *p, const char *status); /* active, archived, completed */
const char *place_status_name(const struct place *p);
/* Is the entry for this reader? What is not moves its cursor all the same. */
bool own_wants(const struct reader *r, const struct entry *e);
/* Something of the conversation was told live: what else follows from it. */
void own_told(struct place *p, const struct entry *e);

void own_begin(struct reader *r);   /* looks it up and begins it, or begins it anew: lasting_begin, feed_begin */
void own_read_on(struct reader *r); /* likewise */

/* lasting.c */
void lasting_begin(struct reader *r);
void lasting_read_on(struct reader *r);

/* look.c */
void look_begin(struct hub *h);
void look_later(struct place *p); /* somebody has begun there: it is looked at from now on */
void look_soon(struct place *p);  /* news of it may be lost */
bool look_alone(struct hub *h);   /* Redis is away */
void looks_done(struct hub *h);

#endif
