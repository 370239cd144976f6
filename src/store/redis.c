/* A pipelined connection to Redis: see redis.h. Replies and arguments are in redis_args.c and redis_reply.c. */
#include "store/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/lua.h"
#include "store/redis_address.h"
#include "store/redis_call.h"
#include "store/redis_lookup.h"

enum {
	TIMEOUT_MS = 2000, /* reliability.md §2 row 10: an answer within 2 s, good or bad */
	READ_BYTES = 16 * 1024,
	READ_MOST = 64 * READ_BYTES,
	STALL_MS = 1000,    /* no reply for so long, when one is overdue: the connection is dead */
	PATIENCE_MS = 8000, /* the most that an overdue call waits while others are answered */
	RETRY_LEAST_MS = 20,
	LOOKUP_AGAIN_MS = 10, /* how often it is asked whether a name's address is there */
	RETRY_MOST_MS = 500,
	WAITING_MOST = 20000, /* calls that may wait for a connection; more are refused at once */
	SHA_LEN = 40,
	SCRIPTS_MOST = 96,
};

enum state { DOWN, CONNECTING, GREETING, UP };

struct redis {
	struct redis_address address;
	pthread_mutex_t lock;
	enum state state;
	redisContext *context;
	struct lookup *lookup; /* of the host's name, under way */
	struct queue sent;     /* written (or in hiredis' buffer), oldest first */
	struct queue waiting;  /* no connection yet */
	struct queue answered; /* to be handed to their owners, outside the lock */
	int64_t retry_at;
	int retry_ms;
	size_t greeting_left; /* replies the greeting still waits for */
	size_t scripts_seen;
	char sha[SCRIPTS_MOST][SHA_LEN + 1];
	bool writing; /* hiredis' buffer is not empty */
	bool threaded;
	bool stopping;
	unsigned generation;
	int64_t heard_at; /* clock_mono_ms of the last reply */
	int wake_fd;
	pthread_t thread;
};

/* ---- connection, all with the lock held ---- */

static void drop(struct redis *r, const char *reason)
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
	r->writing = false;
	r->retry_at = clock_mono_ms() + r->retry_ms;
	r->retry_ms = r->retry_ms * 2 > RETRY_MOST_MS ? RETRY_MOST_MS : r->retry_ms * 2;
}

static void write_out(struct redis *r)
{
	int all = 0;

	if (r->context == NULL || r->state == CONNECTING)
		return;
	if (redisBufferWrite(r->context, &all) != REDIS_OK) {
		drop(r, "write");
		return;
	}
	r->writing = !all;
}

static void put(struct redis *r, struct call *c)
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
	write_out(r);
}

static void greeted(struct redis *r, const redisReply *reply)
{
	/* Scripts answer with their SHA; LOADING, NOAUTH and the like mean: not yet, or not at all. */
	if (reply->type == REDIS_REPLY_ERROR) {
		log_line(LOG_WARN, "redis.refused", "s:reason", strncmp(reply->str, "LOADING", 7) == 0 ? "loading" : "error", NULL);
		drop(r, "greeting");
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
		put(r, c);
	write_out(r);
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
		drop(r, "no address");
		return NULL;
	}
	return address;
}

static void connect_now(struct redis *r)
{
	const struct redis_address *a = &r->address;
	char address[LOOKUP_ADDRESS];
	const char *host = a->path[0] != '\0' ? a->path : resolve(r, address);

	if (host == NULL)
		return;
	r->context = a->path[0] != '\0' ? redisConnectUnixNonBlock(host) : redisConnectNonBlock(host, a->port);
	if (r->context == NULL || r->context->err) {
		drop(r, "connect");
		return;
	}
	r->state = CONNECTING;
	r->generation++;
	r->retry_at = clock_mono_ms() + TIMEOUT_MS; /* now the deadline of connecting */
	if (a->path[0] != '\0')
		greet(r);
}

static void finish_connect(struct redis *r)
{
	int error = 0;
	socklen_t len = sizeof error;
	struct pollfd p = {.fd = r->context->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) <= 0)
		return;
	if (getsockopt(r->context->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		drop(r, "connect");
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
			drop(r, r->context->err == REDIS_ERR_EOF ? "closed" : "read");
			return false;
		}
	} while (r->context->reader->len - had == READ_BYTES && (most -= READ_BYTES) > 0);
	return true;
}

static void read_in(struct redis *r)
{
	void *got = NULL;

	if (!read_all(r))
		return;
	r->heard_at = clock_mono_ms();
	while (r->context != NULL) {
		if (redisGetReplyFromReader(r->context, &got) != REDIS_OK) {
			drop(r, "protocol");
			return;
		}
		if (got == NULL)
			return;
		struct call *c = queue_pop(&r->sent);
		if (c == NULL) {
			freeReplyObject(got);
			drop(r, "unasked reply");
			return;
		}
		if (c->done == NULL) {
			free(c);
			greeted(r, got);
			freeReplyObject(got);
		} else if (lost_script(c, got)) {
			freeReplyObject(got);
			c->plain_text = true; /* EVAL also puts it back into the cache */
			put(r, c);
			write_out(r);
		} else {
			c->reply = got;
			queue_push(&r->answered, c);
		}
	}
}

static void expire_waiting(struct redis *r, int64_t now)
{
	/* Deadlines rise along the queue but for calls with a longer one of their own: those only hold up what stands behind them. */
	while (r->waiting.first != NULL && r->waiting.first->deadline <= now)
		queue_push(&r->answered, queue_pop(&r->waiting));
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the oldest call on its way is given up, and the connection with it. Not while answers keep coming: a burst is no outage, and thousands who
 * are turned away only come again. */
static int64_t overdue_at(const struct redis *r)
{
	int64_t deadline = r->sent.first->deadline, stalled = r->heard_at + STALL_MS;

	return stalled <= deadline ? deadline : earlier(stalled, deadline + PATIENCE_MS);
}

static int64_t next_need(const struct redis *r, int64_t now)
{
	int64_t at = now + 1000;

	if (r->state == DOWN)
		at = earlier(at, r->retry_at);
	if (r->sent.first != NULL)
		at = earlier(at, overdue_at(r));
	if (r->waiting.first != NULL)
		at = earlier(at, r->waiting.first->deadline);
	return at;
}

/* Takes what was answered and hands it out without the lock; so callbacks may call redis_call. */
static void hand_out(struct redis *r)
{
	struct queue mine;
	struct call *c;

	mine = r->answered;
	if (mine.first == NULL) {
		pthread_mutex_unlock(&r->lock);
		return;
	}
	queue_init(&r->answered);
	pthread_mutex_unlock(&r->lock);
	for (c = mine.first; c != NULL;) {
		struct call *next = c->next;
		c->done(c->ctx, (const struct reply *)c->reply);
		if (c->reply != NULL)
			freeReplyObject(c->reply);
		free(c);
		c = next;
	}
}

/* ---- driving ---- */

int redis_fd(const struct redis *r)
{
	return r->context != NULL ? r->context->fd : -1;
}

unsigned redis_generation(const struct redis *r)
{
	return r->generation;
}

unsigned redis_events(const struct redis *r)
{
	return EPOLLIN | (r->state == CONNECTING || r->writing ? EPOLLOUT : 0);
}

bool redis_ready(const struct redis *r)
{
	return r->state == UP;
}

void redis_io(struct redis *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->context != NULL && r->state == CONNECTING)
		finish_connect(r);
	if (r->context != NULL && r->writing)
		write_out(r);
	if (r->context != NULL && r->state != CONNECTING)
		read_in(r);
	hand_out(r);
}

void redis_flush(struct redis *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->writing)
		write_out(r);
	pthread_mutex_unlock(&r->lock);
}

int64_t redis_tick(struct redis *r)
{
	int64_t now = clock_mono_ms(), at;

	pthread_mutex_lock(&r->lock);
	if (r->state == CONNECTING && r->retry_at <= now)
		drop(r, "connect timeout");
	if (r->sent.first != NULL && overdue_at(r) <= now)
		drop(r, "timeout");
	expire_waiting(r, now);
	if (r->state == DOWN && r->retry_at <= now && !r->stopping)
		connect_now(r);
	at = next_need(r, now);
	hand_out(r);
	return at;
}

static void wake(struct redis *r)
{
	uint64_t one = 1;
	ssize_t n = write(r->wake_fd, &one, sizeof one);
	(void)n; /* full means: it will wake anyway */
}

void redis_interrupt(struct redis *r)
{
	struct call *c;

	pthread_mutex_lock(&r->lock);
	if (r->context != NULL)
		drop(r, "interrupted");
	while ((c = queue_pop(&r->waiting)) != NULL)
		queue_push(&r->answered, c);
	pthread_mutex_unlock(&r->lock);
	if (r->threaded)
		wake(r);
}

static void *run(void *arg)
{
	struct redis *r = arg;
	uint64_t count;

	while (!__atomic_load_n(&r->stopping, __ATOMIC_ACQUIRE)) {
		int64_t wait_ms = redis_tick(r) - clock_mono_ms();
		struct pollfd p[2] = {{.fd = r->wake_fd, .events = POLLIN}};

		pthread_mutex_lock(&r->lock);
		p[1].fd = redis_fd(r);
		p[1].events = (short)(POLLIN | (redis_events(r) & EPOLLOUT ? POLLOUT : 0));
		pthread_mutex_unlock(&r->lock);
		poll(p, 2, wait_ms < 0 ? 0 : (int)wait_ms);
		if (p[0].revents != 0) {
			ssize_t n = read(r->wake_fd, &count, sizeof count);
			(void)n;
		}
		if (p[1].fd >= 0 && p[1].revents != 0)
			redis_io(r);
	}
	return NULL;
}

void redis_start(struct redis *r)
{
	r->threaded = true;
	if (pthread_create(&r->thread, NULL, run, r) != 0)
		abort();
}

enum err redis_new(struct redis **out, const char *address)
{
	struct redis *r = calloc(1, sizeof *r);

	if (r == NULL || lua_source_count > SCRIPTS_MOST)
		abort();
	if (!redis_address_parse(&r->address, address)) {
		free(r);
		return ERR_BAD_REQUEST;
	}
	signal(SIGPIPE, SIG_IGN); /* hiredis writes with write(2) */
	pthread_mutex_init(&r->lock, NULL);
	queue_init(&r->sent);
	queue_init(&r->waiting);
	queue_init(&r->answered);
	r->retry_ms = RETRY_LEAST_MS;
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0)
		abort();
	*out = r;
	return OK;
}

void redis_free(struct redis *r)
{
	struct call *c;

	if (r == NULL)
		return;
	__atomic_store_n(&r->stopping, true, __ATOMIC_RELEASE);
	if (r->threaded) {
		wake(r);
		pthread_join(r->thread, NULL);
	}
	pthread_mutex_lock(&r->lock);
	drop(r, "stopping");
	while ((c = queue_pop(&r->waiting)) != NULL)
		queue_push(&r->answered, c);
	hand_out(r);
	lookup_free(r->lookup);
	close(r->wake_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- calling ---- */

static void submit(struct redis *r, struct call *c)
{
	pthread_mutex_lock(&r->lock);
	if (r->state == UP) {
		put(r, c);
		if (r->threaded) {
			write_out(r);
			if (r->writing || r->state != UP)
				wake(r);
		}
	} else if (r->waiting.count < WAITING_MOST && !r->stopping) {
		queue_push(&r->waiting, c);
	} else {
		queue_push(&r->answered, c);
		if (r->threaded)
			wake(r);
	}
	pthread_mutex_unlock(&r->lock);
}

void redis_call(struct redis *r, const struct args *a, int timeout_ms, redis_done *done, void *ctx)
{
	submit(r, call_command(a, timeout_ms > 0 ? timeout_ms : TIMEOUT_MS, done, ctx));
}

void redis_script(struct redis *r, const char *name, const struct args *a, redis_done *done, void *ctx)
{
	submit(r, call_script(name, a, TIMEOUT_MS, done, ctx));
}
