/* The audit on its way into SQL, for jobs that read it there. */
#ifndef WORKER_AUDIT_H
#define WORKER_AUDIT_H

#include "worker/worker.h"

/* Whatever stands in that bucket's queue now is in SQL afterwards. */
enum err audit_drain(struct worker *w, unsigned bucket) MUST_CHECK;

#endif
