#include "chat/rate.h"

#include <stdio.h>

#include "base/config.h"

struct window {
	int64_t since, count;
};

/* ms to wait; 0: there is room. */
static int64_t wait_for(struct window *w, const char *setting, int64_t now)
{
	int64_t most, seconds;

	config_rate(setting, &most, &seconds);
	if (now - w->since >= seconds * 1000 || now < w->since)
		*w = (struct window){.since = now};
	return most > 0 && w->count >= most ? w->since + seconds * 1000 - now : 0;
}

int64_t rate_take(const char *text, int64_t now, char next[RATE_TEXT_MAX])
{
	struct window slow = {0}, fast = {0};
	long long n[4] = {0};
	int64_t wait;

	if (sscanf(text, "%lld %lld %lld %lld", &n[0], &n[1], &n[2], &n[3]) == 4) {
		slow = (struct window){n[0], n[1]};
		fast = (struct window){n[2], n[3]};
	}
	wait = wait_for(&slow, "ROOM_SENDS", now);
	if (wait == 0)
		wait = wait_for(&fast, "ROOM_SENDS_BURST", now);
	if (wait == 0)
		snprintf(next, RATE_TEXT_MAX, "%lld %lld %lld %lld", (long long)slow.since, (long long)slow.count + 1, (long long)fast.since,
			(long long)fast.count + 1);
	return wait;
}
