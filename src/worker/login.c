/* Job login: logins that are over leave the database: expired ones, and revoked ones once nobody can believe in them any more (chat/login.h). So do counts of what
 * people did whose time is over (chat/quota.h). */
#include "base/clock.h"
#include "chat/login.h"
#include "store/logins.h"
#include "store/rates.h"
#include "worker/jobs.h"

enum {
	EACH_MS = 600000,
	BATCH = 500,
	REVOKED_MS = 4 * LOGIN_KEPT_S * 1000,
	RATES_MS = 86400000 /* the longest window that a setting can have */
};

static enum err run(struct worker *w)
{
	int64_t *pruned_ms = w->own, now = clock_now_ms(), pruned = 0, counts = 0;
	enum err e;

	if (*pruned_ms > 0 && clock_mono_ms() - *pruned_ms < EACH_MS)
		return OK;
	e = logins_prune(w->db, now, now - REVOKED_MS, BATCH, &pruned);
	if (e == OK)
		e = rates_prune(w->db, now - RATES_MS, BATCH, &counts);
	if (e != OK)
		return e;
	worker_count(w, "pruned", pruned + counts);
	if (pruned >= BATCH || counts >= BATCH)
		w->more = true;
	else
		*pruned_ms = clock_mono_ms();
	return OK;
}

const struct job job_login = {.name = "login", .help = "logins that are over leave the database", .own_bytes = sizeof(int64_t), .run = run};
