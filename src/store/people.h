/* Who takes part in lasting conversations, by the name that others see (sql/0006). May block. */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "base/arena.h"
#include "base/id.h"
#include "store/db.h"

/* Somebody turned up, called name ("": not said, then what is known stays). Writes only what is new: a name, or that it is the first time in a day. */
enum err people_seen(struct db *d, const char *id, const char *name, int64_t now) MUST_CHECK;

/* The name becomes this, "" included. */
enum err people_rename(struct db *d, const char *id, const char *name) MUST_CHECK;

/* The name, in the arena; "" when nobody knows. */
enum err people_name(struct db *d, struct arena *a, const char *id, const char **name) MUST_CHECK;

#endif
