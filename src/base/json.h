/* JSON from outside, read strictly: one value and nothing after it, valid UTF-8, no member twice, no deeper than the caller allows
 * (looked at before the recursive parser runs), numbers that fit, no \u0000 anywhere, so that every string is a whole C string. Any thread. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stddef.h>
#include "base/err.h"

#define JSON_DEPTH 16 /* arrays and objects within each other, for request bodies */

/* OK: *out is to be json_decref'd. ERR_BAD_CONTENT: a string holds \u0000. ERR_BAD_JSON: anything else is wrong. */
enum err json_read(json_t **out, const char *text, size_t len, int max_depth) MUST_CHECK;

#endif
