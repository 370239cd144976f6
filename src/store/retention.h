/* Messages of lasting conversations that are past their time: which conversations have some, and erasing them. May block.
 *
 * A conversation keeps its messages for retention_s, or what the setting says where it has none; 0: for ever. What is older goes from the front of the log: entries up to a
 * position, and that position becomes the conversation's floor. Nothing of it is left: rows, words (sql/0008's triggers), files, counts. */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include "store/conversations.h"

/* Looks at most `most` conversations after *n, and moves *n on (to 0 when there are no more): ids of those whose first message is past its time. In the arena. */
enum err retention_due(
	struct db *d, struct arena *a, int64_t now, int64_t setting_s, int most, int64_t *n, const char ***ids, int *count) MUST_CHECK;

/* Erases at most `most` entries from the front of one, in a transaction of its own. *more: there are others past their time. When there are none, its log says
 * `history:erased {"upTo"}`, so that open readers drop what they show: announce(id) may follow. Gone or nothing to do: OK. *erased: how many. */
enum err retention_erase(struct db *d, const char *id, int64_t now, int64_t setting_s, int most, bool *more, int64_t *erased) MUST_CHECK;

/* How many conversations have messages that should be gone since before_ms. */
enum err retention_overdue(struct db *d, int64_t before_ms, int64_t setting_s, int64_t *count) MUST_CHECK;

#endif
