/* What was told and whose outbox rows may go. That waits a moment, so that it costs no transaction of its own: the next one that writes to lasting conversations takes
 * it along, or the sweep does. Lost with the process: then it is told again, which harms nobody. Internal to chat/. */
#ifndef CHAT_SPENT_H
#define CHAT_SPENT_H

#include <stdint.h>
#include "store/db.h"

struct spent; /* some ranges of positions */

/* That conversation was told from … to. Any thread. */
void spent_add(const char *conversation, int64_t from, int64_t to);

/* Some of what waits; NULL: nothing does. To be given to spent_written in the end. */
struct spent *spent_take(void);

/* Does anything wait? */
bool spent_waiting(void);

/* Deletes the rows, within db_write. t may be NULL. */
enum err spent_write(struct db *d, const struct spent *t) MUST_CHECK;

/* committed: they are gone for good; otherwise they wait again. t may be NULL. */
void spent_written(struct spent *t, bool committed);

#endif
