/* Between summaries.c and summaries_read.c. */
#ifndef STORE_SUMMARIES_ROW_H
#define STORE_SUMMARIES_ROW_H

#include "store/summaries.h"

#define SUMMARY_COLUMNS \
	"id, conversation, session_at, case_ref, counselor, status, reason, model, created_at, finished_at, expires_at, attempt"

#define SUMMARY_SEAL_NAME 100

/* What a document is sealed for. */
void summary_seal_name(char out[SUMMARY_SEAL_NAME], const char *id);

/* From the first columns of a result. */
void summary_row_read(struct summary_row *out, const struct db_rows *r, struct arena *a);

#endif
