/* The circuit breaker's states and steps, pure; the shared half is breaker_shared.c. See breaker.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "outside/breaker.h"

static int64_t limit(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

enum breaker_gate breaker_decide(struct breaker_state *s, int64_t now_ms, int64_t *wait_ms)
{
	if (s->open_until_ms == 0)
		return BREAKER_PASS;
	/* A clock that was set back must not keep it shut for longer than any opening lasts. */
	if (now_ms < s->open_until_ms && s->open_until_ms - now_ms <= BREAKER_OPEN_MOST_MS) {
		*wait_ms = s->open_until_ms - now_ms;
		return BREAKER_WAIT;
	}
	if (now_ms < s->probe_until_ms && s->probe_until_ms - now_ms <= BREAKER_PROBE_MS) {
		/* Somebody is trying; how that went will be known soon, though nobody knows when. */
		*wait_ms = limit(s->probe_until_ms - now_ms, 1, BREAKER_OPEN_LEAST_MS);
		return BREAKER_WAIT;
	}
	s->probe_until_ms = now_ms + BREAKER_PROBE_MS;
	return BREAKER_TRY;
}

static void open_it(struct breaker_state *s, int64_t now_ms, int64_t retry_after_ms)
{
	int64_t ms = BREAKER_OPEN_LEAST_MS;

	for (int64_t i = 0; i < s->openings && ms < BREAKER_OPEN_MOST_MS; i++)
		ms *= 2;
	if (retry_after_ms > ms)
		ms = retry_after_ms;
	s->open_until_ms = now_ms + limit(ms, BREAKER_OPEN_LEAST_MS, BREAKER_OPEN_MOST_MS);
	s->probe_until_ms = 0;
	s->openings++;
}

void breaker_note(struct breaker_state *s, int64_t now_ms, bool good, int failures, int64_t retry_after_ms)
{
	if (good && s->openings == 0 && s->open_until_ms > now_ms && s->probe_until_ms == 0)
		return; /* held: it began before that */
	if (good) {
		*s = (struct breaker_state){0};
		return;
	}
	if (failures <= 0)
		return;
	s->failures = limit(s->failures + failures, 0, 1000000);
	if (s->open_until_ms > 0 && s->probe_until_ms == 0)
		return; /* open already: a straggler that began before it opened says nothing new */
	if (s->open_until_ms > 0 || s->failures >= BREAKER_FAILURES)
		open_it(s, now_ms, retry_after_ms);
}

void breaker_note_hold(struct breaker_state *s, int64_t now_ms, int64_t ms)
{
	int64_t until_ms = now_ms + limit(ms, 0, BREAKER_OPEN_MOST_MS);

	if (until_ms <= s->open_until_ms)
		return;
	s->open_until_ms = until_ms;
	s->probe_until_ms = 0;
}

void breaker_write(char out[BREAKER_TEXT_MAX], const struct breaker_state *s)
{
	snprintf(out, BREAKER_TEXT_MAX, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, s->failures, s->openings, s->open_until_ms,
		s->probe_until_ms);
}

void breaker_read(struct breaker_state *s, const char *text)
{
	struct breaker_state got = {0};
	int used = 0;

	*s = got;
	if (strlen(text) < BREAKER_TEXT_MAX &&
		sscanf(text, "%18" SCNd64 " %18" SCNd64 " %18" SCNd64 " %18" SCNd64 "%n", &got.failures, &got.openings, &got.open_until_ms,
			&got.probe_until_ms, &used) == 4 &&
		text[used] == '\0' && got.failures >= 0 && got.openings >= 0 && got.open_until_ms >= 0 && got.probe_until_ms >= 0)
		*s = got;
}
