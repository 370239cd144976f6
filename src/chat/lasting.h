/* The log of a lasting conversation (log_lasting of chat/log.h) behind the scenes: what is written waits in one queue, and a thread of the database pool
 * takes all that waits into one transaction (design §4). So a commit, which waits for the disk, is paid by many.
 *
 * lasting.c: what is written, and the answers · lasting_batch.c: queue and transaction · lasting_work.c: each kind of work within it · lasting_read.c: what only
 * looks · lasting_tell.c: what passes. Internal to chat/. */
#ifndef CHAT_LASTING_H
#define CHAT_LASTING_H

#include "base/arena.h"
#include "chat/cursor.h"
#include "chat/message.h"
#include "chat/signal.h"
#include "store/entries.h"

enum work_kind { WORK_SEND, WORK_EDIT, WORK_DELETE, WORK_MARK };

/* One thing to write. Made by work_new; freed after answer was called. */
struct work {
	struct work *next;
	enum work_kind kind;
	struct ticket by; /* .conversation says where */
	int64_t since_ms; /* clock_mono_ms of its coming */

	/* what is asked for; strings in arena */
	struct arena arena;
	struct message_new n; /* WORK_SEND; WORK_EDIT: content, metadata */
	int64_t id;           /* WORK_EDIT, WORK_DELETE */
	struct cursor up_to;  /* WORK_MARK; check "": a message's id */
	bool delivered_only;

	/* what came of it; strings in the batch's arena. Reset before each try. */
	struct outcome {
		enum err err;
		const char *details;
		int64_t retry_ms;
		bool repeated;
		struct entry_line message; /* the message as it is now; position 0: none */
		const char *role;          /* of the member who asked */
		bool read_moved, delivered_moved;
		int64_t unread;
	} out;

	void (*answer)(struct work *w); /* exactly once, after the commit or when it failed; any thread */
	union {
		message_done *message;
		signal_done *signal;
	} done;
	void *ctx;
};

struct work *work_new(enum work_kind kind, const struct ticket *by, void (*answer)(struct work *w), void *ctx);

/* Queues it. Never blocks; may answer at once (503: too many wait). */
void work_submit(struct work *w);

/* ---- within a transaction ---- */

/* Somebody who asks for something, as long as the transaction lasts. */
struct speaker {
	struct speaker *next;
	struct member me;
	int64_t own;  /* messages sent */
	bool counted; /* me.rate changed */
};

/* A client id that stands for a message already. */
struct known {
	struct known *next;
	struct entry_known is;
};

/* What one transaction does to one conversation, whose row is locked. */
struct group {
	struct db *d;
	struct arena *arena;
	struct conversation c;
	int64_t now, at;        /* at: what entries bear, never before what stands in the log */
	int64_t from, messages; /* from: c.length before; messages: sent */
	bool changed;
	struct speaker *speakers; /* of those who ask, who is in it */
	struct known *known;
	struct entry_line *lines; /* what was appended, from + 1 … c.length */
	int line_count, line_most;
};

/* Before all work: who asks, and which client ids are known. */
enum err work_prepare(struct group *g, struct work *const *work, int count) MUST_CHECK;

/* Does it, all but marks and counts. OK, also when it was refused (w->out.err); any other error ends the transaction. */
enum err work_do(struct group *g, struct work *w) MUST_CHECK;

/* A mark, after the counts. */
enum err work_mark(struct group *g, struct work *w) MUST_CHECK;

#endif
