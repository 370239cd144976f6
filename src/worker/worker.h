/* What `room worker` runs: jobs, each in a thread of its own, each with its own connections, round after round until time is up. Any number of
 * workers may run at once, here and on other hosts, and any of them may be killed at any instant: a job must be safe under both.
 *
 * A job is a file that defines a `const struct job`, declared and listed in jobs.h and jobs.c. Its run() is one round: it does what is due
 * now and returns. Rounds follow each other at once while it sets w->more, else after a pause (500 ms, or what it says). */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "outside/caller.h"
#include "store/db.h"
#include "store/redis.h"

#define WORKER_PAUSE_MS 500
#define WORKER_COUNTS 8

/* A job's own view of the worker: nobody else uses it. Made before open(), gone after close(). */
struct worker {
	const struct job *job;
	struct redis *redis;  /* driven by its own thread: ask with store/ask.h */
	struct db *db;        /* ROOM_DB */
	struct caller caller; /* for outside/ */
	struct arena arena;   /* emptied after each round */
	void *own;            /* the job's: own_bytes of it, or what open() makes and close() frees */

	bool more;        /* run() sets it: there is more to do at once. Cleared before each round */
	int64_t pause_ms; /* run() may set it: not before; WORKER_PAUSE_MS before each round */
	bool once;        /* --once: what is due now, then the end */
	bool closing;     /* a round at_end */

	struct worker_count {
		const char *name; /* a fixed word */
		int64_t n;
	} counts[WORKER_COUNTS];
	int64_t rounds, failures;
	enum err last; /* of the last round */
	bool off;      /* open() said that it is not set up */
	const char *why;
	struct worker_run *run;
};

struct job {
	const char *name; /* "push" */
	const char *help; /* for `room worker --help` */

	size_t own_bytes; /* what own points to from before open() until after close(), zeroed at first; 0: the job's own business */

	/* May be NULL. OK · ERR_NOT_FOUND: not set up, so the job is off (no failure) · ERR_BAD_REQUEST: a setting is wrong, *why (static) says what. */
	enum err (*open)(struct worker *w, const char **why);

	/* Told to end, it runs once more (while it sets w->more): Redis may be stopped next, and what it holds of this job would be lost. Quick, calls nobody. */
	bool at_end;

	/* One round. OK · ERR_STORE_UNAVAILABLE: Redis or SQL is away: tried again after a growing pause · anything else: failed, logged, the same pause. */
	enum err (*run)(struct worker *w);

	void (*close)(struct worker *w); /* may be NULL; called after an open() that said OK */
};

/* Adds to what the job's line at the end says; name is a fixed word, at most WORKER_COUNTS different ones a job. */
void worker_count(struct worker *w, const char *name, int64_t n);

/* True when the worker is to end (not in a round at_end): a long round should look at it between its steps. */
bool worker_ending(const struct worker *w);

/* Waits, at most until the worker is to end; true: it is. */
bool worker_wait(struct worker *w, int64_t ms);

/* ---- for `room worker` ---- */

enum worker_outcome { WORKER_FINE = 0, WORKER_FAILED = 1, WORKER_MISSET = 2, WORKER_NO_STORE = 3 };

struct worker_run {
	const struct job *const *jobs; /* which, how many */
	int count;
	bool once;
	int64_t seconds;                      /* 0: until stopped */
	void (*line)(const struct worker *w); /* called at the end for each job, by the thread that called worker_run */

	atomic_bool stopping;
	int wake; /* an eventfd that becomes readable with stopping */
};

/* Runs the jobs and returns when all have ended: time is up, --once is through, or worker_stop. After worker_stop it waits GRACE_MS for rounds
 * that are under way; then the caller must _exit (threads are still there): *cut says so. Once in a process. Settings, fetch_setup, seal_setup came before. */
enum worker_outcome worker_run(struct worker_run *run, bool *cut);

/* From a signal handler, too. */
void worker_stop(struct worker_run *run);

#endif
