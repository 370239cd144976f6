/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool utf8_valid(const char *s, size_t len);

/* True when the text holds nothing but white space (Unicode's White_Space and the zero-width characters). */
bool utf8_blank(const char *s, size_t len);

#endif
