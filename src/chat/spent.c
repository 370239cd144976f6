#include "chat/spent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/id.h"
#include "chat/call.h"
#include "store/outbox.h"

#define TAKEN_MOST 64 /* ranges in one transaction */
#define KEPT_MOST 10000

struct spent {
	struct spent *next;
	char conversation[ID_MAX + 1];
	int64_t from, to;
};

static struct {
	pthread_mutex_t lock;
	struct spent *first;
	int count;
} list = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Onto a range that it continues: one conversation's entries are mostly told one after the other. Locked. */
static bool extend(const char *conversation, int64_t from, int64_t to)
{
	int looked = 0;

	for (struct spent *t = list.first; t && looked < TAKEN_MOST; t = t->next, looked++)
		if (t->to + 1 == from && from > 0 && strcmp(t->conversation, conversation) == 0) {
			t->to = to;
			return true;
		}
	return false;
}

void spent_add(const char *conversation, int64_t from, int64_t to)
{
	struct spent *t;

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

/* By conversation and position, as everybody deletes them: two transactions that delete the same rows never wait for each other. */
static bool before(const struct spent *a, const struct spent *b)
{
	int order = strcmp(a->conversation, b->conversation);

	return order < 0 || (order == 0 && a->from < b->from);
}

static struct spent *sorted(struct spent *t)
{
	struct spent *out = NULL;

	while (t) {
		struct spent *next = t->next, **at = &out;
		while (*at && before(*at, t))
			at = &(*at)->next;
		t->next = *at;
		*at = t;
		t = next;
	}
	return out;
}

struct spent *spent_take(void)
{
	struct spent *first, **end;

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

enum err spent_write(struct db *d, const struct spent *t)
{
	enum err e = OK;

	for (; t && e == OK; t = t->next)
		e = outbox_done(d, t->conversation, t->from, t->to);
	return e;
}

void spent_written(struct spent *t, bool committed)
{
	while (t) {
		struct spent *next = t->next;
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

bool spent_waiting(void)
{
	bool some;

	pthread_mutex_lock(&list.lock);
	some = list.first != NULL;
	pthread_mutex_unlock(&list.lock);
	return some;
}
