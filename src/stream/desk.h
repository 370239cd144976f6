/* What the desk's files share. Internal to stream/desk*.c.
 *
 *   desk.c       the table of desks, their readers, their clock      desk_list.c  rows: looked at, listed anew
 *   desk_tell.c  what their readers are told */
#ifndef STREAM_DESK_H
#define STREAM_DESK_H

#include "chat/desk.h"
#include "stream/hub.h"

enum {
	DESK_SLOTS = 1024,
	DESK_LOOK_MS = 100,         /* a conversation where much happens is looked at so often */
	DESK_RETRY_MS = 1000,       /* after the store did not answer */
	DESK_AGAIN_MS = 10 * 60000, /* everything is looked at again, whatever was heard */
	DESK_KEEP_MS = 5000,        /* a desk without readers: they reload their page, or poll again */
};

struct row {
	struct row *next;
	char *json;      /* as it was told; NULL: not yet, or not on this desk */
	int64_t look_at; /* clock_mono_ms; 0 = no need */
	int64_t asked_at;
	bool asking, stale; /* stale: something changed since it was asked about */
	bool wanted;        /* the list under way waits for it */
	char conversation[ID_MAX + 1];
};

struct desk {
	struct hub *hub;
	struct desk *next_in_slot;
	struct reader *readers;
	struct row *rows;
	size_t wanted;
	int64_t list;  /* the number of the last list that was asked for */
	int64_t lists; /* the number of the last list that was got */
	bool listing, list_again;
	int64_t list_at; /* clock_mono_ms: the next one */
	int64_t idle_at; /* clock_mono_ms: since when nobody reads; 0 = somebody does */
	int calls;
	struct timer timer;
	char counselor[ID_MAX + 1];
};

struct desks {
	struct desk *slots[DESK_SLOTS];
};

/* desk.c */
struct desk *desk_find(struct hub *h, const char *counselor);
void desk_schedule(struct desk *d);

/* desk_list.c */
void desk_list_anew(struct desk *d);
void desk_look_due(struct desk *d, int64_t now); /* at the rows whose time has come */
void desk_rows_free(struct desk *d);

/* desk_tell.c */
void desk_tell(struct desk *d, const char *event, const char *data, size_t len); /* to all who have the list */
void desk_tell_removed(struct desk *d, const char *conversation, const char *why);
void desk_answer_list(struct reader *r); /* its beginning */

#endif
