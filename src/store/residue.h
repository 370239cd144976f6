/* Does a text stand anywhere in the database? For `room doctor --residue` only. Blocks. */
#ifndef STORE_RESIDUE_H
#define STORE_RESIDUE_H

#include "store/db.h"

/* Looks into every column of every table: found(ctx, table, rows) for each table that holds the text, as it is or as hex digits. */
enum err residue_find(struct db *d, const char *text, void (*found)(void *ctx, const char *table, int64_t rows), void *ctx) MUST_CHECK;

/* Rows that should be gone: summaries past their retention or of erased sessions, messages of lasting conversations past theirs, what is left of erased
 * conversations and of deleted messages. found as above. */
enum err residue_overdue(struct db *d, int64_t now, void (*found)(void *ctx, const char *table, int64_t rows), void *ctx) MUST_CHECK;

/* The path of SQLite's file, NULL on PostgreSQL; its log is beside it (-wal). To be freed. */
char *residue_file(const struct db *d);

/* PostgreSQL on this machine, and a user that may ask: the folders of this database and of the log, with all in them that the server had in memory when that user
 * may say so (CHECKPOINT). To be freed. ERR_NOT_FOUND: another machine, or it does not say. */
enum err residue_folders(struct db *d, char **base, char **wal) MUST_CHECK;

#endif
