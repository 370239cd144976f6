/* What was told and whose outbox rows may go. That waits a moment, so that it costs no transaction of its own: the next one that writes to lasting conversations takes
 * it along, or the sweep does. Lost with the process: then it is told again, which harms nobody. Internal to chat/. */
#ifndef CHAT_TOLD_H
#define CHAT_TOLD_H

#include <stdint.h>
#include "store/db.h"

struct told; /* some ranges of positions */

/* That conversation was told from … to. Any thread. */
void told_add(const char *conversation, int64_t from, int64_t to);

/* Some of what waits; NULL: nothing does. To be given to told_written in the end. */
struct told *told_take(void);

/* Does anything wait? */
bool told_waiting(void);

/* Deletes the rows, within db_write. t may be NULL. */
enum err told_write(struct db *d, const struct told *t) MUST_CHECK;

/* committed: they are gone for good; otherwise they wait again. t may be NULL. */
void told_written(struct told *t, bool committed);

#endif
