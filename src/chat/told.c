#include "chat/told.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/id.h"
#include "chat/call.h"
#include "store/outbox.h"

#define TAKEN_MOST 64 /* ranges in one transaction */
#define KEPT_MOST 10000

struct told {
	struct told *next;
	char conversation[ID_MAX + 1];
	int64_t from, to;
};

static struct {
	pthread_mutex_t lock;
	struct told *first;
	int count;
} list = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Onto a range that it continues: one conversation's entries are mostly told one after the other. Locked. */
static bool extend(const char *conversation, int64_t from, int64_t to)
{
	int looked = 0;

	for (struct told *t = list.first; t && looked < TAKEN_MOST; t = t->next, looked++)
		if (t->to + 1 == from && from > 0 && strcmp(t->conversation, conversation) == 0) {
			t->to = to;
			return true;
		}
	return false;
}

void told_add(const char *conversation, int64_t from, int64_t to)
{
	struct told *t;

	FAILPOINT("announce.fed");
	pthread_mutex_lock(&list.lock);
	if (list.count < KEPT_MOST && !extend(conversation, from, to)) {
		t = call_alloc(sizeof *t);
		strncpy(t->conversation, conversation, ID_MAX);
		t->from = from;
		t->to = to;
		t->next = list.first;
		list.first = t;
		list.count++;
	}
	pthread_mutex_unlock(&list.lock);
}

/* By conversation, as everybody deletes them: two transactions that delete the same rows never wait for each other. */
static struct told *sorted(struct told *t)
{
	struct told *out = NULL;

	while (t) {
		struct told *next = t->next, **at = &out;
		while (*at && strcmp((*at)->conversation, t->conversation) < 0)
			at = &(*at)->next;
		t->next = *at;
		*at = t;
		t = next;
	}
	return out;
}

struct told *told_take(void)
{
	struct told *first, **end;

	pthread_mutex_lock(&list.lock);
	first = list.first;
	end = &list.first;
	for (int i = 0; i < TAKEN_MOST && *end; i++) {
		end = &(*end)->next;
		list.count--;
	}
	list.first = *end;
	if (end != &list.first)
		*end = NULL;
	else
		first = NULL;
	pthread_mutex_unlock(&list.lock);
	return sorted(first);
}

enum err told_write(struct db *d, const struct told *t)
{
	enum err e = OK;

	for (; t && e == OK; t = t->next)
		e = outbox_done(d, t->conversation, t->from, t->to);
	return e;
}

void told_written(struct told *t, bool committed)
{
	while (t) {
		struct told *next = t->next;
		if (committed) {
			free(t);
		} else {
			pthread_mutex_lock(&list.lock);
			t->next = list.first;
			list.first = t;
			list.count++;
			pthread_mutex_unlock(&list.lock);
		}
		t = next;
	}
}

bool told_waiting(void)
{
	bool some;

	pthread_mutex_lock(&list.lock);
	some = list.first != NULL;
	pthread_mutex_unlock(&list.lock);
	return some;
}
