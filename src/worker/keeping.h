/* How long summaries are kept, what became of those that nobody finished, and what MainServer hears of them. For the job `summary`. */
#ifndef WORKER_KEEPING_H
#define WORKER_KEEPING_H

#include "store/db.h"
#include "worker/worker.h"

/* When the retention of one asked for at that time ends. */
int64_t keeping_until(int64_t asked_at);

/* summary.ready, or with a why summary.failed; joins the transaction. */
struct keeping_news {
	const char *conversation;
	const char *request_id; /* of who asked; NULL or "": nobody knows */
	const char *why;
	int64_t session_at, asked_at;
};
enum err keeping_tell(struct db *d, const struct keeping_news *n, int64_t now) MUST_CHECK;

/* The job's own. */
struct keeping {
	int64_t next_ms; /* clock_mono_ms, 0: not yet */
	bool scrub;      /* rows went, or were written anew, but what was is not yet off the disk */
};

/* Now and then: those past their retention go, those without a request are given up, those under an old key are sealed anew. */
enum err keeping_round(struct worker *w) MUST_CHECK;

#endif
