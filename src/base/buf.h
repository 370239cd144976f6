/* A growing byte buffer with a mandatory cap and a sticky error: append as often as you like, look at buf_ok() once, at the end.
 * After a failure nothing more is added and the content is not to be used. Not thread-safe; one owner. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* len bytes and a closing NUL that does not count; NULL while empty and never grown */
	size_t len;
	size_t cap;
	size_t max; /* more than this many bytes is a failure */
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);  /* frees; b may be initialised again */
void buf_reset(struct buf *b); /* empty again, error forgotten, memory kept */
static inline bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *str); /* a C string */
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t n); /* decimal */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define BUF_LIT(b, lit) buf_add((b), "" lit, sizeof(lit) - 1)

/* Adds the len bytes (valid UTF-8) as a JSON string with its quotes; control characters, U+2028 and U+2029 are escaped,
 * so that the result is one line for every reader's idea of a line. */
void buf_json(struct buf *b, const char *str, size_t len);

/* Removes the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);

/* Hands the memory over (NUL-terminated, to be freed by the caller; len_out may be NULL); b is empty afterwards.
 * NULL when b failed. */
char *buf_take(struct buf *b, size_t *len_out);

#endif
