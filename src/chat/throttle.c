/* See throttle.h. Called by api/proof and api/auth. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/mac.h"
#include "chat/call.h"
#include "chat/throttle.h"

/* A hash that only who knows our secret could try addresses against. */
static void hash(char out[THROTTLE_KEY_LEN], const char *kind, const void *bytes, size_t len)
{
	const char *secret = config_text("ROOM_JWT_SECRET");
	unsigned char mac[MAC_BYTES];
	struct buf text;

	buf_init(&text, 1024);
	buf_str(&text, "throttle ");
	buf_str(&text, kind);
	buf_char(&text, '\0');
	buf_add(&text, bytes, len);
	mac_sha256(mac, secret, strlen(secret), text.data, text.len);
	buf_done(&text);
	for (int i = 0; i < THROTTLE_KEY_LEN / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static void hash_address(char out[THROTTLE_KEY_LEN], const char *kind, const char *address)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned char six[16], four[4];

	if (!address)
		address = "";
	if (inet_pton(AF_INET, address, four) == 1)
		hash(out, kind, four, sizeof four);
	else if (inet_pton(AF_INET6, address, six) != 1)
		hash(out, kind, address,
			strnlen(address, 256)); /* of a socket without addresses, or what a trusted proxy says: all the same to us */
	else if (memcmp(six, mapped, sizeof mapped) == 0)
		hash(out, kind, six + sizeof mapped, 4);
	else
		hash(out, kind, six, 8);
}

void throttle_init(struct throttle *t, enum throttle_kind kind, const char *account, const char *address)
{
	*t = (struct throttle){.kind = kind};
	if (account) {
		hash(t->account, "account", account, strlen(account));
		hash(t->all, "all", account, strlen(account));
	}
	hash_address(t->address, kind == THROTTLE_PASSWORD ? "address" : "registrations", address);
}

struct taking {
	throttle_done *done;
	void *ctx;
};

static void taken(void *ctx, const struct reply *r)
{
	struct taking *p = ctx;
	int retry_after_s = 0;
	enum err e = call_err(r, &retry_after_s);

	p->done(p->ctx, e, retry_after_s);
	free(p);
}

static void limit(struct args *a, const char *setting)
{
	int64_t count, seconds;

	config_rate(setting, &count, &seconds);
	args_int(a, count);
	args_int(a, seconds * 1000);
}

void throttle_take(struct redis *r, const struct throttle *t, throttle_done *done, void *ctx)
{
	struct taking *p = call_alloc(sizeof *p);
	struct args a;

	*p = (struct taking){done, ctx};
	args_init(&a);
	if (*t->account) {
		args_printf(&a, "{0}:throttle:%s", t->account);
		args_printf(&a, "{0}:throttle:%s", t->all);
	}
	args_printf(&a, "{0}:throttle:%s", t->address);
	a.keys = a.count;
	if (*t->account) {
		limit(&a, "ROOM_LOGINS");
		limit(&a, "ROOM_LOGINS_ALL");
	}
	limit(&a, t->kind == THROTTLE_PASSWORD ? "ROOM_LOGINS_ADDRESS" : "ROOM_REGISTRATIONS");
	redis_script(r, "throttle_take", &a, taken, p);
}

static void given(void *ctx, const struct reply *r)
{
	(void)ctx;
	(void)r;
}

void throttle_give_back(struct redis *r, const struct throttle *t)
{
	struct args a;

	args_init(&a);
	args_printf(&a, "{0}:throttle:%s", t->account);
	args_printf(&a, "{0}:throttle:%s", t->address);
	a.keys = 2;
	redis_script(r, "throttle_give", &a, given, NULL);
}
