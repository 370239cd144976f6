/* A row of `files` as files*.c read it. Internal to them. */
#ifndef STORE_FILES_ROW_H
#define STORE_FILES_ROW_H

#include "store/files.h"

#define FILE_COLUMNS "id, conversation, blob, owner, session, message, size, hash, sealed_with, shown, at, outside"

/* $1: now. What it was called and what it held is forgotten at once; the key, too, without which a store's bytes are noise. */
#define FILES_GONE "UPDATE files SET state = 'gone', at = $1, tries = 0, hash = NULL, shown = NULL, sealed_with = NULL"

void file_row_read(struct file_row *out, const struct db_rows *r, struct arena *a);

#endif
