/* The text of a find with its hits marked: see search_query.h. */
#include "store/search_query.h"

#define BEFORE_BYTES 60 /* of a long text, ahead of the first hit */

/* The beginning of the character that at is in. */
static size_t character_at(const char *text, size_t at)
{
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static void part(struct buf *b, bool *some, const char *text, size_t len, bool hit)
{
	if (len == 0)
		return;
	buf_str(b, *some ? ",{\"text\":" : "{\"text\":");
	buf_json(b, text, len);
	buf_str(b, hit ? ",\"hit\":true}" : ",\"hit\":false}");
	*some = true;
}

void search_highlight(struct buf *b, const char *text, size_t len, const struct search_hits *hits, size_t most)
{
	size_t from = 0, to = len, first = hits->count > 0 ? hits->list[0].start : 0;
	bool some = false;

	if (len > most) {
		from = first > BEFORE_BYTES ? character_at(text, first - BEFORE_BYTES) : 0;
		to = from + most < len ? character_at(text, from + most) : len;
	}
	buf_char(b, '[');
	if (from > 0)
		part(b, &some, "…", sizeof "…" - 1, false);
	for (size_t i = 0, at = from; at < to; i++) {
		size_t start = i < hits->count && hits->list[i].start < to ? hits->list[i].start : to;
		size_t end = i < hits->count && hits->list[i].end < to ? hits->list[i].end : to;
		part(b, &some, text + at, start - at, false);
		part(b, &some, text + start, end - start, true);
		at = end;
	}
	if (to < len)
		part(b, &some, "…", sizeof "…" - 1, false);
	buf_char(b, ']');
}
