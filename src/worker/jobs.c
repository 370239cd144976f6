/* The list of jobs: see jobs.h. */
#include <string.h>

#include "worker/jobs.h"

const struct job *const jobs_all[] = {
	&job_expiry,
	&job_check,
	&job_push,
	&job_summary,
	&job_retention,
	&job_search,
	&job_login,
	&job_audit,
	&job_webhook,
	&job_files,
	NULL,
};

const struct job *jobs_named(const char *name)
{
	for (const struct job *const *j = jobs_all; *j; j++)
		if (strcmp((*j)->name, name) == 0)
			return *j;
	return NULL;
}
