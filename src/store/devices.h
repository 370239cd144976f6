/* Push targets of counselors, one per person, kept until replaced, withdrawn, or unknown to FCM. (Those of a session's participants live in
 * Redis and go with the session.) All may block (db.h) and may be repeated. */
#ifndef STORE_DEVICES_H
#define STORE_DEVICES_H

#include "base/arena.h"
#include "store/db.h"

struct device_row {
	const char *participant;
	const char *kind;  /* "token" or "fid" */
	const char *value; /* never logged */
	int64_t updated_at;
};

/* Sets or replaces the person's target. */
enum err devices_put(struct db *d, const char *participant, const char *kind, const char *value, int64_t now) MUST_CHECK;

/* ERR_NOT_FOUND. Strings live in a. */
enum err devices_get(struct db *d, struct arena *a, const char *participant, struct device_row *row) MUST_CHECK;

enum err devices_delete(struct db *d, const char *participant) MUST_CHECK;

/* FCM said that this target is gone: forgets it, unless the person has another by now. */
enum err devices_forget(struct db *d, const char *participant, const char *value) MUST_CHECK;

#endif
