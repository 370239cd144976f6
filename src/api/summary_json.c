/* See summary_json.h. */
#include <string.h>

#include "api/summary_json.h"

static void member(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, text, strlen(text));
}

void summary_json(struct buf *b, const struct summary_row *row, bool named)
{
	bool anew = strcmp(row->status, "ready") == 0 && row->finished_at == 0;

	buf_char(b, '{');
	if (named)
		buf_printf(b, "\"sessionId\":\"%s\",", row->conversation);
	buf_printf(b, "\"status\":\"%s\",\"createdAt\":%lld", anew ? "requested" : row->status, (long long)row->created_at);
	if (row->finished_at > 0)
		buf_printf(b, ",\"finishedAt\":%lld", (long long)row->finished_at);
	member(b, "model", row->model);
	member(b, "why", row->reason);
	if (row->document) {
		BUF_LIT(b, ",\"summary\":");
		buf_add(b, row->document, row->document_len);
	}
	buf_char(b, '}');
}

void summary_answer(struct exchange *x, const struct summary_row *row, bool named)
{
	struct buf out;

	buf_init(&out, SUMMARY_JSON_MAX);
	summary_json(&out, row, named);
	exchange_json(x, 200, &out);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_done(&out);
}
