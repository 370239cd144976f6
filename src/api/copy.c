/* See copy.h. */
#include <stdlib.h>

#include "api/copy.h"
#include "base/log.h"
#include "chat/talk.h"
#include "store/dbpool.h"
#include "store/store.h"

enum { COPIES_MOST = 3 }; /* something was amended just then */

enum err copy_keep(struct arena *a, const char *conversation, int64_t at)
{
	struct talk talk;
	enum err e = ERR_CONFLICT;

	talk_init(&talk);
	for (int i = 0; i < COPIES_MOST && e == ERR_CONFLICT; i++) {
		e = talk_read(&talk, store_reads(), a, conversation);
		if (e == OK)
			e = talk_keep(&talk, store_commands(), a, conversation, at, "");
	}
	talk_done(&talk);
	if (e == ERR_CONFLICT || e == ERR_FORBIDDEN) /* the worker makes it, or has written the summary; or the consent was taken back */
		return OK;
	if (e != OK)
		log_line(LOG_WARN, "summary.copy", "s:code", err_row(e)->code, NULL);
	return e;
}

struct waiting {
	struct exchange *exchange;
	struct session session;
	void (*answer)(struct exchange *x, enum err e, const struct session *s);
};

/* On a thread of the pool; a database is not needed. */
static void make(struct db *d, void *waiting)
{
	struct waiting *w = waiting;
	struct arena a;
	enum err e;

	(void)d;
	arena_init(&a);
	e = copy_keep(&a, w->session.id, w->session.copy_at);
	arena_done(&a);
	w->answer(w->exchange, e == ERR_STORE_UNAVAILABLE ? e : OK, &w->session);
	free(w);
}

void copy_then(struct exchange *x, const struct session *s, void (*answer)(struct exchange *x, enum err e, const struct session *s))
{
	struct waiting *w;

	if (s->copy_at == 0) {
		answer(x, OK, s);
		return;
	}
	w = malloc(sizeof *w);
	if (!w)
		abort();
	*w = (struct waiting){x, *s, answer};
	if (dbpool_run(make, w) == OK)
		return;
	answer(x, ERR_STORE_UNAVAILABLE, s);
	free(w);
}
