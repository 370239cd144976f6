/* JSON from outside, read strictly: one value and nothing after it, valid UTF-8, no member twice, no deeper than the caller allows
 * (looked at before the recursive parser runs), numbers that fit. Strings may hold \u0000: whoever wants C strings looks. Any thread. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#define JSON_DEPTH 16 /* arrays and objects within each other, for request bodies */

/* The value, to be json_decref'd; NULL when the text is not JSON as described. */
json_t *json_read(const char *text, size_t len, int max_depth);

#endif
