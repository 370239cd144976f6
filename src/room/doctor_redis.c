/* Redis: version, policy, what it keeps and where, its clock. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "room/doctor.h"
#include "store/redis.h"

#define ASK_MS 3000

/* One question, asked and waited for. */
struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
	struct buf text; /* texts and numbers of the reply, each with a line end; or why it refused */
	bool good;
};

static void flatten(struct buf *out, const struct reply *r)
{
	size_t len;
	const char *text;

	if (reply_kind(r) == REPLY_LIST) {
		for (size_t i = 0; i < reply_count(r); i++)
			flatten(out, reply_at(r, i));
		return;
	}
	if (reply_kind(r) == REPLY_INTEGER) {
		buf_int(out, reply_int(r));
	} else {
		text = reply_text(r, &len);
		buf_add(out, text, len);
	}
	buf_char(out, '\n');
}

static void on_reply(void *ctx, const struct reply *r)
{
	struct question *q = ctx;

	pthread_mutex_lock(&q->lock);
	q->good = r && reply_kind(r) != REPLY_ERROR;
	if (q->good)
		flatten(&q->text, r);
	else
		buf_str(&q->text, reply_refusal(r));
	q->done = true;
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->lock);
}

/* The answer, or with good false what Redis said in refusing ("": nothing came), to be freed. */
static char *ask_for(struct redis *redis, const struct args *args, bool *good)
{
	struct question q = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
	char *text;

	buf_init(&q.text, 65536);
	redis_call(redis, args, ASK_MS, on_reply, &q);
	pthread_mutex_lock(&q.lock);
	while (!q.done)
		pthread_cond_wait(&q.answered, &q.lock);
	pthread_mutex_unlock(&q.lock);
	text = buf_take(&q.text, NULL);
	if (!text)
		text = strdup("");
	buf_done(&q.text);
	*good = q.good;
	return text;
}

/* The answer to a command of blank-separated words, to be freed; NULL when there was none, or an error. */
static char *ask(struct redis *redis, const char *command)
{
	char *copy = strdup(command), *rest = copy, *word, *text;
	struct args args;
	bool good;

	args_init(&args);
	while ((word = strsep(&rest, " ")))
		args_str(&args, word);
	text = ask_for(redis, &args, &good);
	free(copy);
	if (!good) {
		free(text);
		text = NULL;
	}
	return text;
}

/* The value of a Redis setting, to be freed; NULL when it may not be read. */
static char *setting(struct redis *redis, const char *name)
{
	char command[64], *answer, *value = NULL;

	snprintf(command, sizeof command, "CONFIG GET %s", name);
	answer = ask(redis, command);
	if (answer && *answer) {
		value = strdup(answer + strcspn(answer, "\n") + 1);
		value[strcspn(value, "\n")] = '\0';
	}
	free(answer);
	return value;
}

static void version(struct patient *p, struct redis *redis)
{
	char *info = ask(redis, "INFO server"), *at = info ? strstr(info, "redis_version:") : NULL;
	int major = at ? atoi(at + strlen("redis_version:")) : 0;

	if (!at)
		doctor_report(p, FINDING_SKIPPED, "redis version", NULL, "INFO gives none");
	else
		doctor_report(p, major < 7 ? FINDING_BAD : FINDING_FINE, "redis version",
			major < 7 ? "Redis 7.0 or newer is needed (BLMPOP)" : NULL, "%.*s", (int)strcspn(at + strlen("redis_version:"), "\r\n"),
			at + strlen("redis_version:"));
	free(info);
}

static const char *remedy(const char *refusal)
{
	if (strncmp(refusal, "OOM", 3) == 0)
		return "its memory is full: raise maxmemory, or give the machine more";
	if (strncmp(refusal, "MISCONF", 7) == 0)
		return "it cannot write its log: make room where its dir is, then it goes on by itself";
	if (strncmp(refusal, "READONLY", 8) == 0)
		return "it is a replica: ROOM_REDIS must name the one that is written to";
	return "correct ROOM_REDIS, or what Redis lets us do";
}

/* Whether it takes what people say. False when not even an answer came. */
static bool writes(struct patient *p, struct redis *redis)
{
	struct args args;
	char *text;
	bool good, answered;

	args_init(&args);
	args_probe(&args);
	text = ask_for(redis, &args, &good);
	answered = good || *text;
	if (!answered)
		doctor_report(p, FINDING_BAD, "redis", "start it, or correct ROOM_REDIS", "it does not answer");
	else if (good)
		doctor_report(p, FINDING_FINE, "redis writes", NULL, "taken");
	else
		doctor_report(p, FINDING_BAD, "redis writes", remedy(text), "it refuses: %s", text);
	free(text);
	return answered;
}

static void policy(struct patient *p, struct redis *redis)
{
	char *value = setting(redis, "maxmemory-policy");

	if (!value)
		doctor_report(
			p, FINDING_ADVICE, "redis policy", "look yourself that maxmemory-policy is noeviction", "CONFIG GET is not allowed to us");
	else if (strcmp(value, "noeviction") != 0)
		doctor_report(p, FINDING_BAD, "redis policy",
			"CONFIG SET maxmemory-policy noeviction: any other throws living sessions away when memory is full", "%s", value);
	else
		doctor_report(p, FINDING_FINE, "redis policy", NULL, "%s", value);
	free(value);
}

/* What Redis writes is fine in memory only. Whether its folder is a tmpfs can be seen when Redis runs here. */
static void persistence(struct patient *p, struct redis *redis)
{
	char *save = setting(redis, "save"), *log = setting(redis, "appendonly"), *dir = setting(redis, "dir");
	bool here = strncmp(p->redis, "unix:", 5) == 0 || strstr(p->redis, "127.0.0.1") || strstr(p->redis, "localhost");
	bool memory = here && dir && place_on_tmpfs(dir);

	if (!save || !log || !dir) {
		doctor_report(
			p, FINDING_ADVICE, "redis persistence", "look yourself that it keeps nothing on a disk", "CONFIG GET is not allowed to us");
	} else {
		const char *where = memory ? "on tmpfs" : here ? "on a disk" : "on another machine";
		if (*save && !memory)
			doctor_report(p, here ? FINDING_BAD : FINDING_ADVICE, "redis snapshots", "CONFIG SET save \"\": snapshots keep what was erased",
				"save %s, %s %s", save, dir, where);
		else
			doctor_report(p, FINDING_FINE, "redis snapshots", NULL, *save ? "in memory (%s)" : "none", dir);
		if (strcmp(log, "yes") == 0 && !memory)
			doctor_report(p, here ? FINDING_BAD : FINDING_ADVICE, "redis append-only log",
				"put Redis's dir on a tmpfs, or appendonly no: the log keeps what was erased until it is rewritten", "%s %s", dir, where);
		else
			doctor_report(p, FINDING_FINE, "redis append-only log",
				strcmp(log, "yes") == 0 ? NULL : "without one, a crash of Redis loses all sessions", "%s%s",
				strcmp(log, "yes") == 0 ? "on tmpfs: " : "off", strcmp(log, "yes") == 0 ? dir : "");
	}
	free(save);
	free(log);
	free(dir);
}

static void slow_log(struct patient *p, struct redis *redis)
{
	char *than = setting(redis, "slowlog-log-slower-than"), *len = setting(redis, "slowlog-max-len");

	if (!than || !len)
		doctor_report(p, FINDING_SKIPPED, "redis slow log", NULL, "CONFIG GET is not allowed to us");
	else if (atol(than) >= 0 && atol(len) > 0)
		doctor_report(p, FINDING_BAD, "redis slow log",
			"CONFIG SET slowlog-log-slower-than -1, SLOWLOG RESET: it keeps arguments, that is what people said",
			"keeps %s commands over %s us", len, than);
	else
		doctor_report(p, FINDING_FINE, "redis slow log", NULL, "off");
	free(than);
	free(len);
}

static void clock_skew(struct patient *p, struct redis *redis)
{
	int64_t before = clock_now_ms(), after, theirs;
	char *time = ask(redis, "TIME"), *rest;

	after = clock_now_ms();
	if (!time) {
		doctor_report(p, FINDING_SKIPPED, "clock", NULL, "Redis gives no TIME");
		return;
	}
	theirs = strtoll(time, &rest, 10) * 1000;
	theirs += strtoll(rest, NULL, 10) / 1000;
	theirs -= before + (after - before) / 2;
	doctor_report(p, theirs > 2000 || theirs < -2000 ? FINDING_BAD : FINDING_FINE, "clock",
		theirs > 2000 || theirs < -2000 ? "run chrony or systemd-timesyncd on both machines: tickets go by this clock, deadlines by Redis's"
										: NULL,
		"Redis is %+lld ms from here", (long long)theirs);
	free(time);
}

void doctor_redis(struct patient *p)
{
	struct redis *redis = NULL;

	if (!p->redis) {
		doctor_report(p, FINDING_SKIPPED, "redis", NULL, "no `room up` is running in %s, and ROOM_REDIS is unset", p->place.state);
		return;
	}
	if (redis_new(&redis, p->redis) != OK) {
		doctor_report(p, FINDING_BAD, "redis", "ROOM_REDIS is unix:/path or redis://host:port", "the address cannot be read");
		return;
	}
	redis_start(redis);
	if (writes(p, redis)) {
		version(p, redis);
		policy(p, redis);
		persistence(p, redis);
		slow_log(p, redis);
		clock_skew(p, redis);
	}
	redis_free(redis);
}
