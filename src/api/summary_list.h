/* Summaries as lists, newest first: those of a case (cases.c), those of a counselor (desk_summaries.c). */
#ifndef API_SUMMARY_LIST_H
#define API_SUMMARY_LIST_H

#include "http/exchange.h"
#include "store/summaries.h"

/* store/summaries.h: rows of that case or counselor. */
typedef enum err summary_rows(struct db *d, struct arena *a, const char *of, int64_t now, struct summary_place after, int limit,
	struct summary_row **rows, int *count);

/* Answers {"summaries":[…],"next"} by the request's `limit` and `before`; what was erased is left out. `of` must live as long as the exchange. */
void summary_list(struct exchange *x, const char *of, summary_rows *rows);

#endif
