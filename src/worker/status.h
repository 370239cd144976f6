/* What waits for the worker, for `room worker --status`. Blocks. */
#ifndef WORKER_STATUS_H
#define WORKER_STATUS_H

#include <jansson.h>
#include "base/err.h"

/* {"queues": {"due": {"count", "due", "oldestMs"}, "push", "summary", "audit": {"count"}, "events"}, "breakers": {"fcm": {"state", "failures", "openForMs"} …},
 *  "deadPushes": {"THIRD_PARTY_AUTH_ERROR": {"count", "lastAt"} …}, "webhooks": {"pending", "delivered", "dead"}, "ledger": {"open"}}; to be json_decref'd. ERR_STORE_UNAVAILABLE: Redis or the database is away; then *out has
 * what could be seen, and *why which of them (static). */
enum err worker_status(json_t **out, const char **why) MUST_CHECK;

#endif
