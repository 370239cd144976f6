/* What ROOM_STATE/room.json says of a running `room up` (status.c writes it). */
#ifndef ROOM_RUNNING_H
#define ROOM_RUNNING_H

#include <jansson.h>

/* The object, to be json_decref'd, when that process is alive; else NULL. */
json_t *running_read(void);

/* The base address to call: ROOM_URL, else what the running one says, else what the settings make. A fresh string. */
char *running_base(const json_t *running);

#endif
