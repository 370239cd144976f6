/* The worker's jobs, a file each. */
#ifndef WORKER_JOBS_H
#define WORKER_JOBS_H

#include "worker/worker.h"

extern const struct job job_expiry, job_check, job_push, job_summary, job_retention, job_search, job_login, job_audit, job_webhook,
	job_files;

/* All of them, in the order of the help; closed by NULL. */
extern const struct job *const jobs_all[];

const struct job *jobs_named(const char *name);

#endif
