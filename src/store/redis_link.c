#include "store/redis_link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/lua.h"

enum {
	READ_BYTES = 16 * 1024,      /* what redisBufferRead reads at a time */
	READ_MOST = 16 * READ_BYTES, /* larger bursts than that would cost a hub memory that it keeps */
	LOOKUP_AGAIN_MS = 10,        /* how often it is asked whether a name's address is there */
	RETRY_MOST_MS = 500,
};

void link_drop(struct redis *r, const char *reason)
{
	struct call *c;

	if (r->state == UP && !r->stopping)
		log_line(LOG_WARN, "redis.lost", "s:reason", reason, "i:unanswered", (int64_t)r->sent.count, NULL);
	while ((c = queue_pop(&r->sent)) != NULL) {
		if (c->done == NULL)
			free(c);
		else
			queue_push(&r->answered, c);
	}
	if (r->context != NULL)
		redisFree(r->context);
	r->context = NULL;
	r->state = DOWN;
	r->writing = r->unread = false;
	r->retry_at = clock_mono_ms() + r->retry_ms;
	r->retry_ms = r->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : r->retry_ms * 2;
}

void link_write(struct redis *r)
{
	int all = 0;

	if (r->context == NULL || r->state == CONNECTING)
		return;
	if (redisBufferWrite(r->context, &all) != REDIS_OK) {
		link_drop(r, "write");
		return;
	}
	r->writing = !all;
}

void link_put(struct redis *r, struct call *c)
{
	char head[128];
	int n;

	if (c->script >= 0) {
		const struct lua_source *source = &lua_sources[c->script];
		if (c->plain_text) {
			n = snprintf(head, sizeof head, "*%d\r\n$4\r\nEVAL\r\n$%lu\r\n", c->words + 2, (unsigned long)source->len);
			redisAppendFormattedCommand(r->context, head, (size_t)n);
			redisAppendFormattedCommand(r->context, source->text, source->len);
			redisAppendFormattedCommand(r->context, "\r\n", 2);
		} else {
			n = snprintf(head, sizeof head, "*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n", c->words + 2, r->sha[c->script]);
			redisAppendFormattedCommand(r->context, head, (size_t)n);
		}
	}
	redisAppendFormattedCommand(r->context, c->bytes, c->len);
	r->writing = true;
	queue_push(&r->sent, c);
}

static void greet_with(struct redis *r, int argc, const char **argv, const size_t *lens)
{
	struct call *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	redisAppendCommandArgv(r->context, argc, argv, lens);
	c->deadline = clock_mono_ms() + TIMEOUT_MS;
	c->script = -1;
	queue_push(&r->sent, c);
	r->greeting_left++;
}

static void greet(struct redis *r)
{
	const struct redis_address *a = &r->address;

	r->state = GREETING;
	r->greeting_left = 0;
	r->scripts_seen = 0;
	if (a->password[0] != '\0') {
		const char *argv[3] = {"AUTH", a->user[0] != '\0' ? a->user : a->password, a->password};
		greet_with(r, a->user[0] != '\0' ? 3 : 2, argv, NULL);
	}
	if (a->database[0] != '\0')
		greet_with(r, 2, (const char *[]){"SELECT", a->database}, NULL);
	for (size_t i = 0; i < lua_source_count; i++) {
		const char *argv[3] = {"SCRIPT", "LOAD", lua_sources[i].text};
		const size_t lens[3] = {6, 4, lua_sources[i].len};
		greet_with(r, 3, argv, lens);
	}
	greet_with(r, 1, (const char *[]){"PING"}, NULL);
	r->writing = true;
	link_write(r);
}

static void greeted(struct redis *r, const redisReply *reply)
{
	/* Scripts answer with their SHA; LOADING, NOAUTH and the like mean: not yet, or not at all. */
	if (reply->type == REDIS_REPLY_ERROR) {
		log_line(LOG_WARN, "redis.refused", "s:reason", strncmp(reply->str, "LOADING", 7) == 0 ? "loading" : "error", NULL);
		link_drop(r, "greeting");
		return;
	}
	if (reply->type == REDIS_REPLY_STRING && reply->len == SHA_LEN && r->scripts_seen < lua_source_count)
		memcpy(r->sha[r->scripts_seen++], reply->str, SHA_LEN + 1);
	if (--r->greeting_left > 0)
		return;
	r->state = UP;
	r->retry_ms = RETRY_LEAST_MS;
	struct call *c;
	while ((c = queue_pop(&r->waiting)) != NULL)
		link_put(r, c);
	link_write(r);
}

/* Where to connect; NULL: that is not known yet, or not at all. A name is looked up for each connection: a failover may have moved it. */
static const char *resolve(struct redis *r, char address[LOOKUP_ADDRESS])
{
	const char *host = r->address.host;

	if (!lookup_needed(host))
		return host;
	if (r->lookup == NULL)
		r->lookup = lookup_begin(host);
	if (!lookup_done(r->lookup, address)) {
		r->retry_at = clock_mono_ms() + LOOKUP_AGAIN_MS;
		return NULL;
	}
	lookup_free(r->lookup);
	r->lookup = NULL;
	if (address[0] == '\0') {
		link_drop(r, "no address");
		return NULL;
	}
	return address;
}

void link_connect(struct redis *r)
{
	const struct redis_address *a = &r->address;
	char address[LOOKUP_ADDRESS];
	const char *host = a->path[0] != '\0' ? a->path : resolve(r, address);

	if (host == NULL)
		return;
	r->context = a->path[0] != '\0' ? redisConnectUnixNonBlock(host) : redisConnectNonBlock(host, a->port);
	if (r->context == NULL || r->context->err) {
		link_drop(r, "connect");
		return;
	}
	r->state = CONNECTING;
	r->generation++;
	r->retry_at = clock_mono_ms() + TIMEOUT_MS; /* now the deadline of connecting */
	if (a->path[0] != '\0')
		greet(r);
}

void link_finish(struct redis *r)
{
	int error = 0;
	socklen_t len = sizeof error;
	struct pollfd p = {.fd = r->context->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) <= 0)
		return;
	if (getsockopt(r->context->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		link_drop(r, "connect");
		return;
	}
	redisEnableKeepAlive(r->context);
	greet(r);
}

static bool lost_script(const struct call *c, const redisReply *reply)
{
	return c->script >= 0 && !c->plain_text && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

/* All that is there: as long as redisBufferRead fills its buffer (hiredis.c), and no further than somebody else could wait for. */
static bool read_all(struct redis *r)
{
	size_t had, most = READ_MOST;

	do {
		had = r->context->reader->len;
		if (redisBufferRead(r->context) != REDIS_OK) {
			link_drop(r, r->context->err == REDIS_ERR_EOF ? "closed" : "read");
			return false;
		}
	} while (r->context->reader->len - had == READ_BYTES && (most -= READ_BYTES) > 0);
	r->unread = most == 0;
	return true;
}

void link_read(struct redis *r)
{
	void *got = NULL;

	if (!read_all(r))
		return;
	r->heard_at = clock_mono_ms();
	while (r->context != NULL) {
		if (redisGetReplyFromReader(r->context, &got) != REDIS_OK) {
			link_drop(r, "protocol");
			return;
		}
		if (got == NULL)
			return;
		struct call *c = queue_pop(&r->sent);
		if (c == NULL) {
			freeReplyObject(got);
			link_drop(r, "unasked reply");
			return;
		}
		if (c->done == NULL) {
			free(c);
			greeted(r, got);
			freeReplyObject(got);
		} else if (lost_script(c, got)) {
			freeReplyObject(got);
			c->plain_text = true; /* EVAL also puts it back into the cache */
			link_put(r, c);
			link_write(r);
		} else {
			c->reply = got;
			queue_push(&r->answered, c);
		}
	}
}
