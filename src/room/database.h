/* The database as `room up` and `room migrate` see it. */
#ifndef ROOM_DATABASE_H
#define ROOM_DATABASE_H

#include <stdbool.h>

/* Applies what is pending to ROOM_DB, waiting a while for a database that is not there yet. False after saying why. Tells of what it applied. */
bool database_prepare(void);

#endif
