/* The circuit breaker: stop calling who doesn't answer. One per destination, its state in Redis ({0}:breaker:<name>), so that all runs of all
 * workers know. Closed: calls pass. After BREAKER_FAILURES failures in a row it opens for a while that doubles each time; then one caller alone
 * may try (half-open), and closes it again or not. Who answers 429 with a Retry-After opens it for that long, though nothing failed. Without Redis every call passes: a breaker must not be what stops us. */
#ifndef OUTSIDE_BREAKER_H
#define OUTSIDE_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/redis.h"

enum {
	BREAKER_FAILURES = 5,
	BREAKER_OPEN_LEAST_MS = 5000,
	BREAKER_OPEN_MOST_MS = 300000, /* also the most that a Retry-After can keep it open, or hold it */
	BREAKER_PROBE_MS = 160000,     /* a trial that nobody reported on is forgotten: longer than any call takes */
};

enum breaker_gate { BREAKER_PASS, BREAKER_TRY, BREAKER_WAIT }; /* TRY: one call only, and report */

/* ---- the machine: pure ---- */

struct breaker_state {
	int64_t failures;       /* in a row */
	int64_t openings;       /* in a row: how long it opens next */
	int64_t open_until_ms;  /* 0: closed */
	int64_t probe_until_ms; /* 0: nobody is trying */
};

/* May one call? Notes the trial in s when it says BREAKER_TRY; *wait_ms is filled with BREAKER_WAIT. */
enum breaker_gate breaker_decide(struct breaker_state *s, int64_t now_ms, int64_t *wait_ms);

/* What came of calls: good: somebody answered sensibly (also with a refusal that is about our call). failures: how many did not (no answer, 5xx).
 * retry_after_ms: what the last of them asked for, -1: nothing. */
void breaker_note(struct breaker_state *s, int64_t now_ms, bool good, int failures, int64_t retry_after_ms);

/* Somebody answered "not now, but after so long" (429): nobody calls before that, and then one alone at first. */
void breaker_note_hold(struct breaker_state *s, int64_t now_ms, int64_t ms);

/* As Redis keeps it: four numbers. Text that is anything else reads as closed. */
#define BREAKER_TEXT_MAX 96
void breaker_write(char out[BREAKER_TEXT_MAX], const struct breaker_state *s);
void breaker_read(struct breaker_state *s, const char *text);

/* ---- shared: blocks for a round trip or two (at most 2 s when Redis hangs). redis must be driven by its own thread; NULL: always pass ---- */

enum breaker_gate breaker_enter(struct redis *redis, const char *name, int64_t *wait_ms);
void breaker_report(struct redis *redis, const char *name, bool good, int failures, int64_t retry_after_ms);

void breaker_hold(struct redis *redis, const char *name, int64_t ms);

/* For `room worker --status` and metrics: false when Redis does not say. */
bool breaker_look(struct redis *redis, const char *name, struct breaker_state *out, int64_t *now_ms);

#endif
