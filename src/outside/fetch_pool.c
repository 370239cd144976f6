/* Several HTTP calls at once, by libcurl's multi interface: see fetch.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "outside/fetch_call.h"

enum { WAIT_MOST_MS = 1000 };

struct fetch_pool {
	CURLM *multi;
	int at_once;
};

/* One run: calls[i] belongs to jobs[i]. */
struct run {
	struct fetch_pool *pool;
	struct fetch_job *jobs;
	struct fetch_call *calls;
	size_t n, begun;
	int under_way;
};

struct fetch_pool *fetch_pool_new(int at_once)
{
	struct fetch_pool *p = calloc(1, sizeof *p);

	if (!p || !(p->multi = curl_multi_init()))
		abort();
	p->at_once = at_once < 1 ? 1 : at_once;
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)p->at_once);
	return p;
}

void fetch_pool_free(struct fetch_pool *p)
{
	if (!p)
		return;
	curl_multi_cleanup(p->multi);
	free(p);
}

/* Takes call i off the pool and notes how it ended. */
static void finish(struct run *r, size_t i, CURLcode code)
{
	curl_multi_remove_handle(r->pool->multi, r->calls[i].curl);
	r->jobs[i].err = fetch_call_close(&r->calls[i], code);
	r->under_way--;
}

/* libcurl counts a call's time from when it is handed over, so no more are handed over than can go at once. */
static void begin_some(struct run *r)
{
	for (; r->begun < r->n && r->under_way < r->pool->at_once; r->begun++) {
		struct fetch_job *job = &r->jobs[r->begun];
		struct fetch_call *call = &r->calls[r->begun];
		if (fetch_call_open(call, &job->fetch, &job->answer) && curl_multi_add_handle(r->pool->multi, call->curl) == CURLM_OK)
			r->under_way++;
		else
			job->err = fetch_call_close(call, CURLE_OUT_OF_MEMORY);
	}
}

static void reap(struct run *r)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(r->pool->multi, &left))) {
		struct fetch_call *call = NULL;
		CURLcode code = message->data.result; /* the message dies with its handle */
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish(r, (size_t)(call - r->calls), code);
	}
}

/* The time is up, or the pool is broken: what runs has timed out, what had not begun was never sent. */
static void give_up(struct run *r)
{
	for (size_t i = 0; i < r->begun; i++)
		if (r->calls[i].curl)
			finish(r, i, CURLE_OPERATION_TIMEDOUT);
	for (; r->begun < r->n; r->begun++) {
		r->calls[r->begun] = (struct fetch_call){.fetch = &r->jobs[r->begun].fetch, .answer = &r->jobs[r->begun].answer};
		fetch_answer_init(&r->jobs[r->begun].answer, r->jobs[r->begun].fetch.max_bytes);
		r->jobs[r->begun].err = fetch_call_close(&r->calls[r->begun], CURLE_COULDNT_CONNECT);
	}
}

static void run_seam(struct fetch_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		jobs[i].err = fetch_seam(&jobs[i].fetch, &jobs[i].answer);
}

void fetch_pool_run(struct fetch_pool *p, struct fetch_job *jobs, size_t n, int64_t deadline_ms)
{
	struct run r = {.pool = p, .jobs = jobs, .n = n};
	int running = 0, wait_ms;

	if (fetch_seam) {
		run_seam(jobs, n);
		return;
	}
	if (n == 0)
		return;
	if (!(r.calls = calloc(n, sizeof *r.calls)))
		abort();
	for (;;) {
		begin_some(&r);
		if (curl_multi_perform(p->multi, &running) != CURLM_OK)
			break;
		reap(&r);
		if (r.begun == r.n && r.under_way == 0)
			break;
		wait_ms = WAIT_MOST_MS;
		if (deadline_ms > 0) {
			int64_t left = deadline_ms - clock_mono_ms();
			if (left <= 0)
				break;
			wait_ms = left < wait_ms ? (int)left : wait_ms;
		}
		if (running > 0 || r.begun == r.n)
			curl_multi_poll(p->multi, NULL, 0, wait_ms, NULL);
	}
	give_up(&r);
	free(r.calls);
}
