/* GET /health, which asks Redis and the database, and GET /metrics, for this machine and listed addresses only. */
#include <stdatomic.h>
#include <string.h>

#include "api/guard.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "base/version.h"
#include "chat/push.h"
#include "store/dbpool.h"
#include "store/store.h"

#define METRICS_MAX_BYTES (256 * 1024)
#define HANGING_MS 1000

/* ---- what works ---- */

enum base { BASE_WELL, BASE_READABLE, BASE_AWAY };

/* A look at the database may take as long as a hanging one lets it: while one does, others take its silence for an answer. */
static atomic_int_fast64_t looking_since; /* clock_mono_ms; 0: nobody looks */

static enum err nothing(struct db *d, void *ctx)
{
	(void)d;
	(void)ctx;
	return OK;
}

static enum base look(struct db *d)
{
	if (!d)
		return BASE_AWAY;
	if (db_write(d, nothing, NULL) == OK) /* the right to write can be had */
		return BASE_WELL;
	return db_ping(d) == OK ? BASE_READABLE : BASE_AWAY;
}

static void work(struct buf *b, bool works, const char *what)
{
	if (works)
		buf_printf(b, "%s\"%s\"", b->data[b->len - 1] == '[' ? "" : ",", what);
}

/* 200 as long as something works: who balances load must not take away what is left. */
static void tell(struct exchange *x, bool redis, enum base base)
{
	static const char *const words[] = {"ok", "read-only", "away"};
	struct buf b;

	if (!redis && base == BASE_AWAY) {
		answer_error(x, ERR_STORE_UNAVAILABLE, NULL, 0);
		return;
	}
	buf_init(&b, 1024);
	buf_printf(&b, "{\"status\":\"%s\",\"redis\":\"%s\",\"database\":\"%s\",\"works\":[", redis && base == BASE_WELL ? "ok" : "degraded",
		redis ? "ok" : "away", words[base]);
	work(&b, redis, "sessions");
	work(&b, redis && base == BASE_WELL, "new sessions");
	work(&b, base == BASE_WELL, "conversations");
	work(&b, base == BASE_READABLE, "reading conversations");
	work(&b, redis, "live streams");
	work(&b, !redis, "streams that look each second");
	BUF_LIT(&b, "],\"version\":\"" ROOM_VERSION "\"}");
	exchange_json(x, 200, &b);
	buf_done(&b);
}

struct check {
	bool redis;
	bool first; /* nobody else looks at the database */
};

/* On a thread of the pool. */
static void looked_at(struct db *d, void *exchange)
{
	const struct check *c = visit_of(exchange)->more;
	enum base base = look(d);

	if (c->first)
		atomic_store(&looking_since, 0);
	tell(exchange, c->redis, base);
}

static void pinged(void *exchange, enum err e)
{
	int_fast64_t since = 0, now = clock_mono_ms();
	struct exchange *x = exchange;
	struct check *c = arena_alloc(&x->arena, sizeof *c);

	c->redis = e == OK;
	c->first = atomic_compare_exchange_strong(&looking_since, &since, now);
	visit_of(x)->more = c;
	if ((c->first || now - since < HANGING_MS) && dbpool_run(looked_at, x) == OK)
		return;
	if (c->first)
		atomic_store(&looking_since, 0);
	tell(x, c->redis, BASE_AWAY);
}

void health_show(struct exchange *x)
{
	store_ping(pinged, x);
}

/* ---- figures ---- */

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
