/* Where Redis keeps an append-only file, what was erased or changed stands in it until it is rewritten, on a disk as in memory. So it is, at most once a
 * minute for all workers together, and again when that failed. Scripts note what they change (store/lua/_conversation.lua, stands_in_file). Without such a file nothing happens. Used by the jobs `expiry`, which rewrites it, and `search`. */
#ifndef WORKER_AOF_H
#define WORKER_AOF_H

#include "worker/worker.h"

struct aof;

struct aof *aof_new(struct worker *w);
void aof_free(struct aof *a);

/* Something was erased, and no script could say so: noted in Redis, so that it isn't forgotten when we die. Before what it stands for is done. */
void aof_dirty(struct aof *a);

/* Rewrites if that is due. Cheap when it is not. */
enum err aof_rewrite(struct aof *a) MUST_CHECK;

#endif
