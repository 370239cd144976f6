/* What reader.c and reader_log.c share. See hub.h. */
#ifndef STREAM_READER_H
#define STREAM_READER_H

#include "stream/hub.h"

enum {
	FULL_ENOUGH = 64 * 1024, /* bytes waiting for a reader that is catching up: it gets no further page before they are gone */
	BEGIN_AGAIN_MS = 250,    /* how often a late beginning is looked at */
};

/* reader.c */
void reader_dirty(struct reader *r);        /* something is to be written, or it is to be freed, at the end of this round */
void reader_schedule(struct reader *r);     /* its timer, anew */
bool reader_check_ticket(struct reader *r); /* tells it of its ticket's end; false: it has ended, and nothing more is told */

/* reader_log.c */
void arrival_init(struct arrival *a);
void reader_go_on(struct reader *r, int64_t length); /* live when it has all of the log (length: what is known of it), else the next page */
void reader_nothing(struct place *p, int64_t length); /* nothing came after a reader, though more may have been heard of than there is */
void reader_give(struct reader *r, const struct entry *e); /* the next one, whatever state it is in */
void reader_give_early(struct reader *r, int64_t since);   /* what passed while it was subscribing */
void reader_not_here(struct reader *r, enum err e);        /* it may not read, or nobody can tell: refused, or ended when it has begun */

/* entrance.c */
void reader_enter(struct reader *r); /* finds out who it is, and begins it */

#endif
