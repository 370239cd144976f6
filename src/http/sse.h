/* Server-sent events: framing (WHATWG HTML §9.2). Pure functions on buffers. */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include "base/buf.h"

/* One event. id and event are ours and hold no line ends (asserted); id NULL = none. data may hold anything: every line end in it (CRLF, LF or a lone CR)
 * starts a new data: line, so it can never break out of the event. */
void sse_event(struct buf *b, const char *id, const char *event, const char *data, size_t data_len);
void sse_comment(struct buf *b, const char *text);
void sse_retry(struct buf *b, int ms);

#endif
