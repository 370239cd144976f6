/* Looking for text without regard to case, by Unicode's simple mappings: the same on every database. Any thread; CPU only. */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdbool.h>

/* Whether needle stands somewhere within text (both valid UTF-8); an empty one always does. */
bool fold_within(const char *text, const char *needle);

#endif
