/* A summary as answers carry it. For summary.c, summary_list.c and desk_summaries.c. */
#ifndef API_SUMMARY_JSON_H
#define API_SUMMARY_JSON_H

#include "base/buf.h"
#include "http/exchange.h"
#include "store/summaries.h"

#define SUMMARY_JSON_MAX (SUMMARIES_DOCUMENT_MAX + 4096)

/* {"status","createdAt","finishedAt"?,"model"?,"why"?,"summary"?}; with the session's id in front when named. While a ready one is written anew the
 * status is "requested", and the document that of before. */
void summary_json(struct buf *b, const struct summary_row *row, bool named);

/* 200 with it. */
void summary_answer(struct exchange *x, const struct summary_row *row, bool named);

#endif
