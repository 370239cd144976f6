/* What services that were killed left in memory, and that nobody will take up again because their state folder is gone. */
#ifndef ROOM_SWEEP_H
#define ROOM_SWEEP_H

#include "room/place.h"

/* Notes in the scratch folder whose it is. After the state folder is locked. */
void sweep_claim(const struct place *p);

/* Removes the scratch folders of our user in /dev/shm whose state folder is no more. */
void sweep_orphans(void);

#endif
