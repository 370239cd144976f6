/* `room doctor --residue`: is there anything left of what should be gone? */
#ifndef ROOM_RESIDUE_H
#define ROOM_RESIDUE_H

#include <stdbool.h>
#include <stddef.h>
#include "room/doctor.h"

/* The texts to look for, and what they look like when written as JSON. */
struct needles {
	char **text;
	size_t *len, count, longest;
};

void needles_add(struct needles *n, const char *text); /* "-": each line of standard input */
void needles_done(struct needles *n);

/* True when one of them stands in the bytes. */
bool needles_in(const struct needles *n, const char *bytes, size_t len);

/* Everywhere: says where something was found, never what. Without texts: keys and rows of sessions that should be gone. */
void doctor_residue(struct patient *p, const struct needles *n);

/* Its parts. */
void residue_redis(struct patient *p, const struct needles *n);
void residue_files(struct patient *p, const struct needles *n, const char *what, const char *path);

#endif
