/* What this is; one place for it. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ROOM_VERSION "0.1.0"

#endif
