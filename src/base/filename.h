/* What people call their files, made harmless: it is shown, and offered as a name to save under, on systems of all kinds. Never part of a path of ours. */
#ifndef BASE_FILENAME_H
#define BASE_FILENAME_H

#include <stddef.h>

#define FILENAME_MAX_BYTES 180

/* Writes a name made of the valid UTF-8 at name (NULL: none): without folders, control and direction characters, without what some system takes for a
 * device or hides, at most FILENAME_MAX_BYTES long, with an ending that fits: one of endings (separated by blanks), else the first of them is added. */
void filename_clean(char out[FILENAME_MAX_BYTES + 1], const char *name, const char *endings);

#endif
