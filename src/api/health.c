/* GET /health, which asks Redis, and GET /metrics, for this machine and listed addresses only. */
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/version.h"
#include "chat/push.h"
#include "store/store.h"

#define METRICS_MAX_BYTES (256 * 1024)

static void pinged(void *exchange, enum err e)
{
	static const char well[] = "{\"status\":\"ok\",\"redis\":\"ok\",\"version\":\"" ROOM_VERSION "\"}";

	if (e == OK)
		exchange_reply(exchange, 200, "application/json", well, sizeof well - 1);
	else
		answer_error(exchange, e, NULL, 0);
}

void health_show(struct exchange *x)
{
	store_ping(pinged, x);
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

/* Whether Redis said how the pushes do or not. */
static void looked(void *exchange)
{
	struct exchange *x = exchange;
	struct buf out;

	buf_init(&out, METRICS_MAX_BYTES);
	metrics_write(&out, "api");
	if (buf_ok(&out))
		exchange_reply(x, 200, "text/plain; version=0.0.4", out.data, out.len);
	else
		answer_error(x, ERR_INTERNAL, NULL, 0);
	buf_done(&out);
}

void health_metrics(struct exchange *x)
{
	const char *address = x->request.remote_addr;

	if (address && (is_loopback(address) || config_lists("ROOM_METRICS_FROM", address)))
		push_measure(looked, x);
	else
		answer_error(x, ERR_NOT_FOUND, NULL, 0);
}
