/* Changing and erasing a lasting conversation. Within db_write, its row being locked (conversations_lock), where not said otherwise. May block. */
#ifndef STORE_CONVERSATIONS_CHANGE_H
#define STORE_CONVERSATIONS_CHANGE_H

#include "store/conversations.h"

/* Writes title, channel, status, metadata and retention_s as c has them. */
enum err conversations_update(struct db *d, const struct conversation *c) MUST_CHECK;

/* Takes it away: from here on nobody can come to it. Its files go with it; the outbox holds that it was erased, for those who were in it.
 * Its entries are deleted by conversations_sweep, after the transaction. */
enum err conversations_erase(struct db *d, const struct conversation *c, int64_t now) MUST_CHECK;

/* Deletes up to most entries of erased conversations, in a transaction of its own; *more: there are others. Any process may, at any time. */
enum err conversations_sweep(struct db *d, int most, bool *more) MUST_CHECK;

/* After conversations_sweep found no more: what was deleted is to be off the disk, too (db_scrub), and is then forgotten. ERR_STORE_UNAVAILABLE: again later. */
enum err conversations_swept(struct db *d) MUST_CHECK;

#endif
