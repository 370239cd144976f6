/* Push targets: see device.h. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "chat/call.h"
#include "chat/device.h"
#include "store/dbpool.h"
#include "store/devices.h"
#include "store/keys.h"
#include "store/store.h"

/* ---- as JSON ---- */

static bool visible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

bool device_parse(struct device *out, const json_t *json)
{
	const json_t *token = json_object_get(json, "token"), *fid = json_object_get(json, "fid"), *target;
	size_t len;

	if (json_is_null(token))
		token = NULL;
	if (json_is_null(fid))
		fid = NULL;
	target = token ? token : fid;
	len = json_string_length(target); /* 0 for what is no string */
	if ((token && fid) || len == 0 || len > DEVICE_TARGET_MAX || !visible(json_string_value(target), len))
		return false;
	out->fid = target == fid;
	memcpy(out->target, json_string_value(target), len + 1);
	return true;
}

void device_write(char out[DEVICE_TEXT_MAX], const struct device *d)
{
	char *end = out + sprintf(out, "{\"%s\":\"", d->fid ? "fid" : "token");

	for (const char *c = d->target; *c; c++) {
		if (*c == '"' || *c == '\\')
			*end++ = '\\';
		*end++ = *c;
	}
	memcpy(end, "\"}", 3);
}

bool device_read(struct device *out, const char *text)
{
	json_t *json = NULL;
	bool good = json_read(&json, text, strlen(text), 2) == OK && device_parse(out, json);

	json_decref(json);
	return good;
}

/* ---- kept ---- */

struct pending {
	device_done *done;
	void *ctx;
	bool clear;
	_Atomic unsigned left; /* buckets that did not answer yet */
	char participant[ID_MAX + 1];
	struct device device;
};

static struct pending *pending_new(const struct device *d, device_done *done, void *ctx)
{
	struct pending *p = call_alloc(sizeof *p);

	p->done = done;
	p->ctx = ctx;
	p->clear = d == NULL;
	if (d)
		p->device = *d;
	return p;
}

static void answered(void *ctx, const struct reply *r)
{
	struct pending *p = ctx;

	p->done(p->ctx, call_err(r, NULL));
	free(p);
}

void device_set(const struct ticket *by, const struct device *d, device_done *done, void *ctx)
{
	char text[DEVICE_TEXT_MAX] = "";
	struct args a;

	if (d)
		device_write(text, d);
	call_participant(&a, by);
	args_str(&a, text);
	redis_script(store_commands(), "device_put", &a, answered, pending_new(NULL, done, ctx));
}

/* ---- a person's ---- */

static void let_go(struct pending *p)
{
	if (atomic_fetch_sub(&p->left, 1) > 1)
		return;
	p->done(p->ctx, OK);
	free(p);
}

/* Whatever it says: the target is kept, and found when the push is looked at again. */
static void woken(void *ctx, const struct reply *r)
{
	(void)r;
	let_go(ctx);
}

static void wake(struct pending *p)
{
	unsigned b = 0, buckets = keys_buckets();

	p->left = buckets;
	do { /* there is one at least */
		struct args a;
		args_init(&a);
		args_printf(&a, "{%u}:desk:%s", b, p->participant);
		args_printf(&a, "{%u}:push", b);
		a.keys = 2;
		args_str(&a, p->participant);
		redis_script(store_commands(), "device_wake", &a, woken, p);
	} while (++b < buckets);
}

static void write_person(struct db *db, void *ctx)
{
	struct pending *p = ctx;
	enum err e = ERR_STORE_UNAVAILABLE;

	if (db && p->clear)
		e = devices_delete(db, p->participant);
	else if (db)
		e = devices_put(db, p->participant, p->device.fid ? "fid" : "token", p->device.target, clock_now_ms());
	if (e == OK && !p->clear) {
		wake(p);
		return;
	}
	p->done(p->ctx, e);
	free(p);
}

void device_set_person(const char *participant, const struct device *d, device_done *done, void *ctx)
{
	struct pending *p = pending_new(d, done, ctx);

	snprintf(p->participant, sizeof p->participant, "%s", participant);
	if (dbpool_run(write_person, p) == OK)
		return;
	free(p);
	done(ctx, ERR_STORE_UNAVAILABLE);
}
