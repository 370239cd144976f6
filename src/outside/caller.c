/* Calls behind a breaker: see caller.h. */
#include "base/clock.h"
#include "outside/breaker.h"
#include "outside/caller.h"

enum {
	AT_ONCE = CALLER_BATCH,
	GRACE_MS = 2000, /* libcurl ends each call by its own time limit; this catches what it would not */
};

void caller_init(struct caller *c, struct redis *redis)
{
	*c = (struct caller){.pool = fetch_pool_new(AT_ONCE), .redis = redis};
}

void caller_done(struct caller *c)
{
	fetch_pool_free(c->pool);
	c->pool = NULL;
}

/* Nobody there, or somebody who says that he is broken. A refusal of ours (4xx) is an answer. */
static bool is_failure(const struct fetch_job *job)
{
	if (job->answer.status > 0 && job->answer.fault != FETCH_CUT && job->answer.fault != FETCH_TIMEOUT)
		return job->answer.status >= 500;
	return job->answer.fault != FETCH_ANSWERED && job->answer.fault != FETCH_REFUSED;
}

static void report(const struct caller *c, const char *breaker, const struct fetch_job *jobs, size_t n)
{
	int failures = 0;
	int64_t retry_after_ms = -1, hold_ms = 0;

	for (size_t i = 0; i < n; i++) {
		if (jobs[i].answer.status == 429 && jobs[i].answer.retry_after_ms > hold_ms)
			hold_ms = jobs[i].answer.retry_after_ms;
		if (!is_failure(&jobs[i]))
			continue;
		failures++;
		retry_after_ms = jobs[i].answer.retry_after_ms;
	}
	breaker_report(c->redis, breaker, (size_t)failures < n, failures, retry_after_ms);
	if (hold_ms > 0) /* it is us who are too many, not that one call */
		breaker_hold(c->redis, breaker, hold_ms);
}

/* As many rounds as it takes for all to have their whole time. */
static int64_t deadline_of(const struct fetch_job *jobs, size_t n)
{
	int64_t longest_ms = 0;

	for (size_t i = 0; i < n; i++)
		if (jobs[i].fetch.timeout_ms > longest_ms)
			longest_ms = jobs[i].fetch.timeout_ms;
	return clock_mono_ms() + longest_ms * (int64_t)((n + AT_ONCE - 1) / AT_ONCE) + GRACE_MS;
}

int64_t caller_run(struct caller *c, const char *breaker, struct fetch_job *jobs, bool *passed, size_t n)
{
	int64_t wait_ms = BREAKER_OPEN_LEAST_MS;
	size_t going = n;

	if (n == 0)
		return 0;
	switch (breaker_enter(c->redis, breaker, &wait_ms)) {
	case BREAKER_PASS: break;
	case BREAKER_TRY: going = 1; break;
	case BREAKER_WAIT: going = 0; break;
	}
	for (size_t i = 0; i < n; i++)
		passed[i] = i < going;
	if (going == 0)
		return wait_ms;
	fetch_pool_run(c->pool, jobs, going, deadline_of(jobs, going));
	report(c, breaker, jobs, going);
	return going < n ? 1000 : 0; /* the trial is over: how it went decides the next try */
}
