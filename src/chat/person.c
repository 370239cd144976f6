/* See person.h. Called by api/guard. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sip.h"
#include "chat/person.h"
#include "store/people.h"

enum { SLOTS = 16384, HOUR_MS = 3600000, AWAY_MS = 5000 };

/* One of each pair of id and name that was noted this hour; a newcomer takes the place of whoever has the same slot. */
static _Atomic uint64_t slots[SLOTS];
static _Atomic int64_t
	away_until; /* clock_mono_ms: it could not be written a moment ago, and reading must not wait for that again and again */
static struct sip_key key;
static pthread_once_t keyed = PTHREAD_ONCE_INIT;

static void make_key(void)
{
	id_random(&key, sizeof key);
}

static uint64_t print_of(const struct ticket *t)
{
	char text[ID_MAX + PERSON_NAME_MAX + 24];
	int len = snprintf(text, sizeof text, "%s\n%s\n%lld", t->participant, t->name, (long long)(clock_now_ms() / HOUR_MS));

	pthread_once(&keyed, make_key);
	return sip_hash(&key, text, (size_t)len) | 1; /* 0: nobody */
}

bool person_noted(const struct ticket *t)
{
	uint64_t print = print_of(t);

	return t->kind != TICKET_USER || *t->login || atomic_load(&slots[print / 2 % SLOTS]) == print ||
		clock_mono_ms() < atomic_load(&away_until);
}

enum err person_note(struct db *d, const struct ticket *t)
{
	uint64_t print = print_of(t);
	enum err e = people_seen(d, t->participant, t->name, clock_now_ms());

	if (e == OK)
		atomic_store(&slots[print / 2 % SLOTS], print);
	else
		atomic_store(&away_until, clock_mono_ms() + AWAY_MS);
	return e;
}
