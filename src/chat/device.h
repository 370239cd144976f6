/* Push targets: where somebody who is away is told that a message waits. A session's participants name theirs at its creation or themselves (kept in the
 * session, gone with it); MainServer names counselors', one per person (kept in SQL). Used by the REST handlers, and by the worker's pushes. */
#ifndef CHAT_DEVICE_H
#define CHAT_DEVICE_H

#include <jansson.h>
#include <stdbool.h>
#include "base/err.h"
#include "chat/ticket.h"

#define DEVICE_TARGET_MAX 1024                       /* FCM's tokens are some 200 bytes, without a promised limit */
#define DEVICE_TEXT_MAX (2 * DEVICE_TARGET_MAX + 16) /* as JSON, with its NUL */
#define DEVICE_SHAPE "{\"token\":\"...\"} or {\"fid\":\"...\"}, 1 to 1024 visible ASCII characters"

struct device {
	bool fid; /* a Firebase installation id; else a registration token */
	char target[DEVICE_TARGET_MAX + 1];
};

/* From an object with exactly one of token and fid; other members are ignored. False: it is not DEVICE_SHAPE. */
bool device_parse(struct device *out, const json_t *json);

/* As it is kept: compact JSON, the same for the same target. device_read takes what device_write wrote. */
void device_write(char out[DEVICE_TEXT_MAX], const struct device *d);
bool device_read(struct device *out, const char *text);

typedef void device_done(void *ctx, enum err e);

/* A participant's own, in the session; NULL takes it away. Calls as in chat/session.h. */
void device_set(const struct ticket *by, const struct device *d, device_done *done, void *ctx);

/* A person's, in SQL; NULL takes it away. done is called on a thread of store/dbpool.h, or at once when none takes it (503). */
void device_set_person(const char *participant, const struct device *d, device_done *done, void *ctx);

#endif
